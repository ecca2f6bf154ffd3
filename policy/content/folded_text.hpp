// Text as it is compared: what looks alike is alike. Compatibility characters folded (NFKC), lower case, what
// nobody sees dropped, single blanks between words, none at the ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::policy::content {

struct folded_text {
    std::string text;           // UTF-8
    unsigned invisible = 0;     // characters that nobody sees, anywhere; joiners (emoji, Persian) not counted
    unsigned within_words = 0;  // those between two letters of European scripts, joiners counted
    unsigned mixed_scripts = 0; // words of three letters or more, Latin and Cyrillic or Greek ones
    bool operator==(const folded_text&) const = default;
};

// `utf8` is valid. Linear; at most some eighteen times as long (U+FDFA), usually shorter.
folded_text fold(std::string_view utf8);

bool is_word_character(std::uint32_t point); // letters, digits, marks
bool is_ideograph(std::uint32_t point);      // of scripts that put no blanks between words
// The character at the front of `utf8`, which is valid and not empty, and its length.
struct character {
    std::uint32_t point = 0;
    std::size_t length = 1;
};
character first_character(std::string_view utf8);

} // namespace postern::policy::content

// A pattern with `*` (any run of characters, none too) and `?` (one character). Matching is linear in the
// text, whatever the pattern: each stretch between two `*` is looked for once, from left to right, with all
// its beginnings followed at the same time (Baeza-Yates and Gonnet's Shift-And), so nothing is tried again.
// A character is a UTF-8 one; octets are compared as they are: fold both sides first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

inline constexpr std::size_t glob_stretch_max = 64; // octets between two `*`

class glob {
  public:
    // nullopt: a stretch between two `*` is longer than glob_stretch_max. Any other text is a pattern.
    static std::optional<glob> compile(std::string_view pattern);

    bool matches(std::string_view text) const;

    // Which octets a text holds, as a set of 64 that some of them share. Whoever tries many patterns on one
    // text asks may_match() first: false = matches() is false.
    static std::uint64_t octets_in(std::string_view text);
    bool may_match(std::uint64_t octets) const { return (needs_ & ~octets) == 0; }

    static bool has_wildcard(std::string_view text) {
        return text.find_first_of("*?") != std::string_view::npos;
    }

  private:
    struct stretch {
        std::size_t from = 0, length = 0;
    };
    std::string_view view(stretch part) const {
        return std::string_view(pattern_).substr(part.from, part.length);
    }

    std::string pattern_;
    std::uint64_t needs_ = 0; // octets_in() of all that is no wildcard
    bool has_star_ = false;
    stretch front_, back_;         // anchored to the text's ends; without a star all is front_
    std::vector<stretch> between_; // none of them empty
};

} // namespace postern::policy

// A word at a time, so that what normalisation costs stays bounded whatever the text is.
#include "policy/content/folded_text.hpp"

#include "policy/content/text_decoding.hpp"
#include "protocol/smtp/grammar.hpp"

#include <cstdlib>
#include <memory>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

namespace postern::policy::content {
namespace {

constexpr std::size_t word_octets_max = 256; // a longer one is folded in pieces

const std::uint8_t* octets(std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

bool is_blank(std::uint32_t c) {
    return c <= 0x20 || c == 0x7f || (c >= 0x80 && c <= 0xa0) || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

bool is_joiner(std::uint32_t c) { return c == 0x200c || c == 0x200d; }

bool is_hyphen_or_selector(std::uint32_t c) { return c == 0xad || (c >= 0xfe00 && c <= 0xfe0f); }

bool is_invisible(std::uint32_t c) {
    return c == 0x034f || c == 0x061c || c == 0x115f || c == 0x1160 || c == 0x180e || c == 0x200b ||
           c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0x3164 || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

bool is_latin(std::uint32_t c) {
    const bool ascii = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return ascii || (c >= 0xc0 && c <= 0x24f && c != 0xd7 && c != 0xf7);
}
bool is_greek_or_cyrillic(std::uint32_t c) { return c >= 0x370 && c <= 0x52f; }

class folder {
  public:
    folded_text run(std::string_view utf8) {
        made_.text.reserve(utf8.size());
        while (!utf8.empty()) {
            const auto next = first_character(utf8);
            utf8.remove_prefix(next.length);
            if (next.point > ' ' && next.point < 0x7f)
                take_ascii(static_cast<char>(next.point));
            else
                take(next.point);
        }
        end_word();
        if (made_.text.ends_with(' ')) made_.text.pop_back();
        return std::move(made_);
    }

  private:
    void take(std::uint32_t point) {
        if (is_blank(point)) {
            end_word();
            return add_blank();
        }
        if (is_invisible(point) || is_joiner(point) || is_hyphen_or_selector(point)) return hide(point);
        const bool letter = is_latin(point) || is_greek_or_cyrillic(point);
        if (letter && after_letter_) made_.within_words += hidden_;
        hidden_ = 0;
        after_letter_ = letter;
        latin_ += is_latin(point) ? 1U : 0U;
        other_ += is_greek_or_cyrillic(point) ? 1U : 0U;
        append_utf8(point, word_);
        if (word_.size() >= word_octets_max) flush();
    }
    void take_ascii(char c) {
        const char lower = protocol::to_lower(c);
        const bool letter = lower >= 'a' && lower <= 'z';
        if (letter && after_letter_) made_.within_words += hidden_;
        hidden_ = 0;
        after_letter_ = letter;
        latin_ += letter ? 1U : 0U;
        word_ += c;
        if (word_.size() >= word_octets_max) flush();
    }
    void hide(std::uint32_t point) {
        if (is_hyphen_or_selector(point)) return; // as any hyphenated text has it
        ++hidden_;
        if (!is_joiner(point)) ++made_.invisible;
    }
    void end_word() {
        if (latin_ > 0 && other_ > 0 && latin_ + other_ >= 3) ++made_.mixed_scripts;
        latin_ = other_ = hidden_ = 0;
        after_letter_ = false;
        flush();
    }
    void add_blank() {
        if (!made_.text.empty() && made_.text.back() != ' ') made_.text += ' ';
    }
    void flush() {
        if (protocol::is_ascii(word_))
            for (const char c : word_) made_.text += protocol::to_lower(c);
        else
            flush_normalised();
        word_.clear();
    }
    void flush_normalised() {
        std::size_t length = 0;
        const std::unique_ptr<std::uint8_t, decltype(&std::free)> normal(
            u8_normalize(UNINORM_NFKC, octets(word_), word_.size(), nullptr, &length), &std::free);
        if (!normal) return;
        std::string_view left(reinterpret_cast<const char*>(normal.get()), length);
        while (!left.empty()) {
            const auto next = first_character(left);
            left.remove_prefix(next.length);
            if (is_blank(next.point))
                add_blank();
            else
                append_utf8(uc_tolower(next.point), made_.text);
        }
    }

    folded_text made_;
    std::string word_;
    unsigned latin_ = 0, other_ = 0, hidden_ = 0; // of the word; since its last character
    bool after_letter_ = false;
};

} // namespace

character first_character(std::string_view utf8) {
    if (static_cast<unsigned char>(utf8.front()) < 0x80) return {static_cast<unsigned char>(utf8.front()), 1};
    ucs4_t point = 0;
    const int length = u8_mbtouc(&point, octets(utf8), utf8.size());
    return {point, length > 0 ? static_cast<std::size_t>(length) : 1};
}

bool is_word_character(std::uint32_t point) {
    if (point < 0x80) {
        const char c = protocol::to_lower(static_cast<char>(point));
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    }
    return uc_is_general_category_withtable(point,
                                            UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M);
}

bool is_ideograph(std::uint32_t point) {
    return (point >= 0x0e00 && point <= 0x0eff) || (point >= 0x3040 && point <= 0x9fff) ||
           (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
           (point >= 0x20000 && point <= 0x3ffff);
}

folded_text fold(std::string_view utf8) { return folder().run(utf8); }

} // namespace postern::policy::content

// The character level of the grammar: ASCII classes, UTF-8, numbers, xtext, and text made fit to be shown.
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <stdexcept>
#include <unistr.h>

namespace postern::protocol {
namespace {

bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

const std::uint8_t* octets(std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_xchar(char c) { return c >= '!' && c <= '~' && c != '+' && c != '='; }

// C1 controls, the line separators, and the marks that reorder what a reader sees (Unicode TR9 §2).
bool is_harmful(ucs4_t c) {
    return (c >= 0x80 && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

struct shown_character {
    std::size_t length; // octets of the text
    bool harmless;
};

// The character at the front of `text`, which is not empty; an octet that belongs to none stands for itself.
shown_character next_character(std::string_view text) {
    if (static_cast<unsigned char>(text.front()) < 0x80) return {1, !is_control(text.front())};
    ucs4_t c = 0;
    const int length = u8_mbtoucr(&c, octets(text), text.size());
    if (length <= 0) return {1, false};
    return {static_cast<std::size_t>(length), !is_harmful(c)};
}

bool is_control_or_not_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80 || is_control(c); }

} // namespace

void throw_exception_from_error(const parse_error&, const boost::source_location&) {
    throw std::logic_error("the value of a failed parse was asked for");
}

bool is_atext(char c) {
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
    return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = to_lower(c);
    return lower;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool is_valid_utf8(std::string_view text) { return u8_check(octets(text), text.size()) == nullptr; }

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_printable(std::string_view text) {
    while (!text.empty()) {
        const shown_character character = next_character(text);
        if (!character.harmless) return false;
        text.remove_prefix(character.length);
    }
    return true;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        if (__builtin_mul_overflow(number, std::uint64_t{10}, &number)) return std::nullopt;
        if (__builtin_add_overflow(number, static_cast<std::uint64_t>(c - '0'), &number)) return std::nullopt;
    }
    return number;
}

result<std::string, parse_error> decode_xtext(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) return parse_error{parse_errc::syntax, i};
            c = static_cast<char>(high * 16 + low);
            if (is_control(c)) return parse_error{parse_errc::control, i};
            i += 2;
        } else if (!is_xchar(c)) {
            return parse_error{parse_errc::syntax, i};
        }
        decoded += c;
    }
    return decoded;
}

std::string encode_xtext(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        if (is_xchar(c)) {
            encoded += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        encoded += '+';
        encoded += digits[octet >> 4U];
        encoded += digits[octet & 15U];
    }
    return encoded;
}

std::string printable(std::string_view text, std::size_t max_length) {
    if (text.size() <= max_length && std::ranges::none_of(text, is_control_or_not_ascii))
        return std::string(text); // nearly always
    constexpr std::string_view ellipsis = "...";
    std::string shown;
    std::size_t cut = 0; // where the text may end so that the ellipsis still fits
    while (!text.empty()) {
        const shown_character character = next_character(text);
        const std::string_view piece = character.harmless ? text.substr(0, character.length) : "?";
        if (shown.size() + piece.size() > max_length) {
            shown.resize(cut);
            return shown.append(ellipsis.substr(0, max_length - cut));
        }
        shown += piece;
        if (shown.size() + ellipsis.size() <= max_length) cut = shown.size();
        text.remove_prefix(character.length);
    }
    return shown;
}

} // namespace postern::protocol

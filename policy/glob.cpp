#include "policy/glob.hpp"

#include <array>

namespace postern::policy {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

// Octets of the character that `text` begins with; 0 when it is empty.
std::size_t front_character(std::string_view text) {
    if (text.empty()) return 0;
    std::size_t length = 1;
    while (length < text.size() && is_continuation(text[length])) ++length;
    return length;
}

// Octets of the character that `text` ends with; 0 when it is empty.
std::size_t back_character(std::string_view text) {
    if (text.empty()) return 0;
    std::size_t length = 1;
    while (length < text.size() && is_continuation(text[text.size() - length])) ++length;
    return length;
}

// Octets of `text` that `part` covers from the front.
std::optional<std::size_t> covers_front(std::string_view part, std::string_view text) {
    std::size_t at = 0;
    for (const char c : part) {
        const std::size_t length = c == '?' ? front_character(text.substr(at)) : at < text.size() ? 1 : 0;
        if (length == 0 || (c != '?' && text[at] != c)) return std::nullopt;
        at += length;
    }
    return at;
}

std::optional<std::size_t> covers_back(std::string_view part, std::string_view text) {
    const std::size_t whole = text.size();
    for (; !part.empty(); part.remove_suffix(1)) {
        const char c = part.back();
        const std::size_t length = c == '?' ? back_character(text) : text.empty() ? 0 : 1;
        if (length == 0 || (c != '?' && text.back() != c)) return std::nullopt;
        text.remove_suffix(length);
    }
    return whole - text.size();
}

// Where the first occurrence of `part` in `text` ends. Bit i of `begun` says that the octets before here
// match the first i + 1 of the part; a `?` stays matched for as long as its character goes on.
std::optional<std::size_t> find_end(std::string_view part, std::string_view text) {
    std::array<std::uint64_t, 256> places{};
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        if (part[i] == '?')
            any |= bit;
        else
            places[static_cast<unsigned char>(part[i])] |= bit;
    }
    const std::uint64_t last = std::uint64_t{1} << (part.size() - 1);
    std::uint64_t begun = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool goes_on = is_continuation(text[at]);
        const std::uint64_t fits = places[static_cast<unsigned char>(text[at])] | (goes_on ? 0 : any);
        begun = ((begun << 1 | 1) & fits) | (goes_on ? begun & any : 0);
        const bool character_ends = at + 1 == text.size() || !is_continuation(text[at + 1]);
        if ((begun & last) != 0 && (part.back() != '?' || character_ends)) return at + 1;
    }
    return std::nullopt;
}

} // namespace

std::uint64_t glob::octets_in(std::string_view text) {
    std::uint64_t octets = 0;
    // The lower bits of an octet: a digit shares its place with a letter.
    for (const char c : text) octets |= std::uint64_t{1} << (static_cast<unsigned char>(c) & 63U);
    return octets;
}

std::optional<glob> glob::compile(std::string_view pattern) {
    glob made;
    for (const char c : pattern)
        if (c != '*' && c != '?') made.needs_ |= octets_in({&c, 1});
    made.pattern_ = pattern;
    const std::size_t first = pattern.find('*');
    made.has_star_ = first != std::string_view::npos;
    made.front_ = {0, made.has_star_ ? first : pattern.size()};
    std::size_t star = first;
    while (made.has_star_) {
        const std::size_t from = star + 1;
        star = pattern.find('*', from);
        if (star == std::string_view::npos) {
            made.back_ = {from, pattern.size() - from};
            break;
        }
        if (star - from > glob_stretch_max) return std::nullopt;
        if (star > from) made.between_.push_back({from, star - from});
    }
    return made;
}

bool glob::matches(std::string_view text) const {
    const auto front = covers_front(view(front_), text);
    if (!front) return false;
    text.remove_prefix(*front);
    if (!has_star_) return text.empty();
    const auto back = covers_back(view(back_), text);
    if (!back) return false;
    text.remove_suffix(*back);
    for (const stretch part : between_) {
        const auto end = find_end(view(part), text);
        if (!end) return false;
        text.remove_prefix(*end);
    }
    return true;
}

} // namespace postern::policy

#include "policy/content/html_text.hpp"

#include "policy/content/text_decoding.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace postern::policy::content {
namespace {

struct entity {
    std::string_view name;
    std::uint32_t point;
};

constexpr entity entities[] = {
    {"amp", '&'},       {"lt", '<'},       {"gt", '>'},       {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xa0},     {"iexcl", 0xa1},   {"cent", 0xa2},    {"pound", 0xa3},   {"yen", 0xa5},
    {"sect", 0xa7},     {"copy", 0xa9},    {"laquo", 0xab},   {"shy", 0xad},     {"reg", 0xae},
    {"deg", 0xb0},      {"middot", 0xb7},  {"raquo", 0xbb},   {"Aacute", 0xc1},  {"Auml", 0xc4},
    {"Eacute", 0xc9},   {"Iacute", 0xcd},  {"Oacute", 0xd3},  {"Ouml", 0xd6},    {"times", 0xd7},
    {"Uacute", 0xda},   {"Uuml", 0xdc},    {"Yacute", 0xdd},  {"szlig", 0xdf},   {"agrave", 0xe0},
    {"aacute", 0xe1},   {"acirc", 0xe2},   {"atilde", 0xe3},  {"auml", 0xe4},    {"aring", 0xe5},
    {"ccedil", 0xe7},   {"egrave", 0xe8},  {"eacute", 0xe9},  {"ecirc", 0xea},   {"iacute", 0xed},
    {"ntilde", 0xf1},   {"oacute", 0xf3},  {"ocirc", 0xf4},   {"ouml", 0xf6},    {"oslash", 0xf8},
    {"ugrave", 0xf9},   {"uacute", 0xfa},  {"uuml", 0xfc},    {"yacute", 0xfd},  {"Ccaron", 0x10c},
    {"ccaron", 0x10d},  {"dcaron", 0x10f}, {"ecaron", 0x11b}, {"lcaron", 0x13e}, {"ncaron", 0x148},
    {"Rcaron", 0x158},  {"rcaron", 0x159}, {"Scaron", 0x160}, {"scaron", 0x161}, {"tcaron", 0x165},
    {"uring", 0x16f},   {"Zcaron", 0x17d}, {"zcaron", 0x17e}, {"ensp", 0x2002},  {"emsp", 0x2003},
    {"thinsp", 0x2009}, {"zwnj", 0x200c},  {"zwj", 0x200d},   {"lrm", 0x200e},   {"rlm", 0x200f},
    {"ndash", 0x2013},  {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"sbquo", 0x201a},
    {"ldquo", 0x201c},  {"rdquo", 0x201d}, {"bdquo", 0x201e}, {"bull", 0x2022},  {"hellip", 0x2026},
    {"euro", 0x20ac},   {"trade", 0x2122},
};

constexpr std::size_t name_max = 10; // octets, the semicolon too

std::optional<std::uint32_t> number_of(std::string_view digits) {
    const bool hex = digits.starts_with('x') || digits.starts_with('X');
    if (hex) digits.remove_prefix(1);
    if (digits.empty()) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : digits) {
        const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        const bool digit = c >= '0' && c <= '9';
        if (!digit && !(hex && letter)) return std::nullopt;
        const auto one = static_cast<std::uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
        value = std::min<std::uint32_t>(value * (hex ? 16 : 10) + one, 0x110000);
    }
    return value;
}

std::optional<std::uint32_t> point_of(std::string_view name) {
    if (name.starts_with('#')) return number_of(name.substr(1));
    const auto* at = std::find_if(std::begin(entities), std::end(entities),
                                  [&](const entity& one) { return one.name == name; });
    if (at == std::end(entities)) return std::nullopt;
    return at->point;
}

} // namespace

std::string decode_entities(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto next = std::min(text.find('&', at), text.size());
        out += text.substr(at, next - at);
        at = next;
        if (at == text.size()) break;
        const auto name = text.substr(at + 1, name_max);
        const auto end = name.find(';');
        const auto point = end == std::string_view::npos ? std::nullopt : point_of(name.substr(0, end));
        if (point)
            append_utf8(*point, out);
        else
            out += '&';
        at += point ? end + 2 : 1;
    }
    return out;
}

} // namespace postern::policy::content

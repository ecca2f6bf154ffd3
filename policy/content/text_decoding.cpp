// Mail programs read "iso-8859-1" and "us-ascii" as windows-1252, so we do, too (WHATWG Encoding §4.2).
#include "policy/content/text_decoding.hpp"

#include "policy/content/charset_tables.hpp"
#include "protocol/mime/charset.hpp"
#include "protocol/mime/encoded_word.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <unistr.h>

namespace postern::policy::content {
namespace {

struct known_charset {
    std::string_view name;
    const upper_half* table;
};

constexpr known_charset single_octet[] = {
    {"iso-8859-1", &windows_1252},
    {"latin1", &windows_1252},
    {"us-ascii", &windows_1252},
    {"ascii", &windows_1252},
    {"windows-1252", &windows_1252},
    {"cp1252", &windows_1252},
    {"iso-8859-2", &latin2},
    {"latin2", &latin2},
    {"windows-1250", &windows_1250},
    {"cp1250", &windows_1250},
    {"x-cp1250", &windows_1250},
    {"iso-8859-15", &latin9},
    {"iso-8859-5", &iso_cyrillic},
    {"windows-1251", &windows_1251},
    {"cp1251", &windows_1251},
    {"koi8-r", &koi8_r},
    {"koi8-u", &koi8_u},
    {"windows-1253", &windows_1253},
    {"windows-1254", &windows_1254},
    {"iso-8859-9", &windows_1254},
};

std::string from_table(const upper_half& table, std::string_view octets) {
    std::string out;
    out.reserve(octets.size());
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x80)
            out += c;
        else
            append_utf8(table[octet - 0x80U], out);
    }
    return out;
}

// Latin text in UTF-16 has a NUL in every other octet.
std::string_view guessed_utf16(std::string_view octets) {
    if (octets.starts_with("\xff\xfe")) return "utf-16le";
    if (octets.starts_with("\xfe\xff")) return "utf-16be";
    const auto seen = octets.substr(0, 512);
    std::size_t nuls[2] = {0, 0};
    for (std::size_t at = 0; at < seen.size(); ++at) nuls[at % 2] += seen[at] == '\0' ? 1U : 0U;
    if (nuls[0] + nuls[1] < seen.size() / 4 || seen.size() < 4) return {};
    return nuls[0] > nuls[1] ? "utf-16be" : "utf-16le";
}

std::string from_utf16(std::string_view charset, std::string_view octets) {
    std::string made = protocol::mime::to_utf8(charset, octets);
    if (protocol::is_valid_utf8(made)) return made;
    return from_table(windows_1252, octets); // half a pair of surrogates
}

std::string guessed(std::string_view octets) {
    if (const auto wide = guessed_utf16(octets); !wide.empty()) return from_utf16(wide, octets);
    if (protocol::is_valid_utf8(octets)) return std::string(octets);
    return from_table(windows_1252, octets);
}

} // namespace

void append_utf8(std::uint32_t point, std::string& to) {
    std::uint8_t made[6];
    const int length = u8_uctomb(made, point, sizeof made);
    if (length > 0) to.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(length));
}

std::string utf8_of(std::string_view charset, std::string_view octets) {
    const bool is_plain = protocol::is_ascii(octets) && octets.find('\0') == std::string_view::npos;
    if (is_plain) return std::string(octets);
    const auto same = [&](const known_charset& one) {
        return protocol::equals_ignoring_case(one.name, charset);
    };
    const auto* known = std::find_if(std::begin(single_octet), std::end(single_octet), same);
    const bool is_vague = charset == "us-ascii" || charset == "ascii" || charset.empty();
    if (known != std::end(single_octet) && !is_vague) return from_table(*known->table, octets);
    for (const std::string_view wide : {"utf-16", "utf-16le", "utf-16be"})
        if (protocol::equals_ignoring_case(charset, wide)) return from_utf16(wide, octets);
    return guessed(octets);
}

} // namespace postern::policy::content

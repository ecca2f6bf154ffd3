#include "protocol/mime/charset.hpp"

#include "protocol/mime/decoder.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cstdint>

namespace postern::protocol::mime {
namespace {

void append_utf8(std::uint32_t point, std::string& out) {
    const auto add = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
    if (point < 0x80) {
        add(point);
    } else if (point < 0x800) {
        add(0xc0U | point >> 6U);
        add(0x80U | (point & 0x3fU));
    } else if (point < 0x10000) {
        add(0xe0U | point >> 12U);
        add(0x80U | (point >> 6U & 0x3fU));
        add(0x80U | (point & 0x3fU));
    } else {
        add(0xf0U | point >> 18U);
        add(0x80U | (point >> 12U & 0x3fU));
        add(0x80U | (point >> 6U & 0x3fU));
        add(0x80U | (point & 0x3fU));
    }
}

enum class order { big, little };

std::string from_utf16(std::string_view octets, order how) {
    const auto unit = [&](std::size_t at) -> std::uint32_t {
        const std::uint32_t first = static_cast<unsigned char>(octets[at]);
        const std::uint32_t second = static_cast<unsigned char>(octets[at + 1]);
        return how == order::big ? first << 8U | second : second << 8U | first;
    };
    std::string out;
    for (std::size_t at = 0; at + 1 < octets.size(); at += 2) {
        std::uint32_t point = unit(at);
        if ((point & 0xfc00U) == 0xd800U && at + 3 < octets.size() && (unit(at + 2) & 0xfc00U) == 0xdc00U) {
            point = 0x10000U + ((point & 0x3ffU) << 10U) + (unit(at + 2) & 0x3ffU);
            at += 2;
        }
        if (point != 0xfeff) append_utf8(point, out);
    }
    return out;
}

bool is_base64(char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '+' || c == '/';
}

// RFC 2152: "+", UTF-16 in base64, maybe "-".
std::string from_utf7(std::string_view octets) {
    std::string out;
    while (!octets.empty()) {
        const auto plus = octets.find('+');
        out += octets.substr(0, plus);
        if (plus == std::string_view::npos) break;
        octets.remove_prefix(plus + 1);
        const auto end = std::find_if_not(octets.begin(), octets.end(), is_base64);
        const auto run = octets.substr(0, static_cast<std::size_t>(end - octets.begin()));
        octets.remove_prefix(run.size());
        const bool minus = octets.starts_with('-');
        if (minus) octets.remove_prefix(1);
        out += run.empty() && minus ? "+" : from_utf16(decode_base64(run), order::big);
    }
    return out;
}

// RFC 1468 and its kin: escapes choose between ASCII and pairs of octets. Of those that are Latin letters of
// full width (JIS X 0208, rows 1 and 3) the ASCII ones are told.
std::string from_iso2022(std::string_view octets) {
    constexpr char escape = '\x1b';
    constexpr char punctuation_row = 0x21, latin_row = 0x23, full_stop = 0x25;
    std::string out;
    for (bool pairs = false; !octets.empty();) {
        if (octets.front() == escape) { // intermediate octets, then a final one
            const auto final = std::min(octets.find_first_not_of("$()*+,-./ !&", 1), octets.size() - 1);
            pairs = octets.substr(1, 1) == "$";
            octets.remove_prefix(final + 1);
        } else if (!pairs || octets.size() < 2) {
            out += octets.front();
            octets.remove_prefix(1);
        } else {
            if (octets[0] == latin_row)
                out += octets[1];
            else if (octets[0] == punctuation_row && octets[1] == full_stop)
                out += '.';
            else
                append_utf8(0xfffd, out);
            octets.remove_prefix(2);
        }
    }
    return out;
}

} // namespace

std::string to_utf8(std::string_view charset, std::string_view octets) {
    if (equals_ignoring_case(charset, "iso-8859-1") || equals_ignoring_case(charset, "windows-1252")) {
        std::string out;
        for (const char c : octets) append_utf8(static_cast<unsigned char>(c), out);
        return out;
    }
    if (to_lower(charset).ends_with("utf-7")) return from_utf7(octets); // and unicode-1-1-utf-7
    if (to_lower(charset.substr(0, 8)) == "iso-2022") return from_iso2022(octets);
    if (equals_ignoring_case(charset, "utf-16le")) return from_utf16(octets, order::little);
    if (equals_ignoring_case(charset, "utf-16be")) return from_utf16(octets, order::big);
    if (equals_ignoring_case(charset, "utf-16")) // RFC 2781 §4.3: big unless marked
        return from_utf16(octets, octets.starts_with("\xff\xfe") ? order::little : order::big);
    return std::string(octets);
}

} // namespace postern::protocol::mime

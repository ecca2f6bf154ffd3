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

// RFC 1843: "~{" and "~}" change between ASCII and pairs of octets, "~~" is a tilde, and one at the end of a
// line goes with it.
std::string from_hz(std::string_view octets) {
    std::string out;
    for (bool pairs = false; !octets.empty();) {
        const auto two = octets.substr(0, 2);
        std::size_t used = 2;
        if (two == "~{") {
            pairs = true;
        } else if (two == "~}") {
            pairs = false;
        } else if (two == "~~") {
            out += '~';
        } else if (two == "~\n") {
        } else if (pairs && two.size() == 2) {
            append_utf8(0xfffd, out);
        } else {
            out += octets.front();
            used = 1;
        }
        octets.remove_prefix(used);
    }
    return out;
}

// What all of IBM's code pages of that kind have in common.
std::string from_ebcdic(std::string_view octets) {
    struct row {
        unsigned char first;
        std::string_view ascii;
    };
    static constexpr row rows[] = {{0x40, " "},         {0x4b, "."},        {0x60, "-/"},
                                   {0x6d, "_"},         {0x7a, ":"},        {0x81, "abcdefghi"},
                                   {0x91, "jklmnopqr"}, {0xa2, "stuvwxyz"}, {0xc1, "ABCDEFGHI"},
                                   {0xd1, "JKLMNOPQR"}, {0xe2, "STUVWXYZ"}, {0xf0, "0123456789"}};
    std::string out;
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        const auto holds = [&](const row& one) {
            return octet >= one.first && octet < one.first + one.ascii.size();
        };
        const auto* const at = std::find_if(std::begin(rows), std::end(rows), holds);
        if (at != std::end(rows))
            out += at->ascii[octet - at->first];
        else
            append_utf8(0xfffd, out);
    }
    return out;
}

// "cp037", "IBM-1047", "csIBM500", "ebcdic-cp-us": those of IBM's numbers that are EBCDIC.
bool is_ebcdic(std::string_view plain) {
    static constexpr std::uint64_t numbers[] = {
        37,   256,  273,  274,  275,  277,  278,  280,  281,  284,  285,  290,  297,  420,
        423,  424,  500,  803,  833,  836,  838,  870,  871,  875,  880,  905,  918,  924,
        930,  933,  935,  937,  939,  1025, 1026, 1047, 1097, 1112, 1122, 1123, 1130, 1132,
        1137, 1140, 1141, 1142, 1143, 1144, 1145, 1146, 1147, 1148, 1149, 1164, 20273};
    if (plain.find("ebcdic") != std::string_view::npos) return true;
    const auto digits = plain.find_first_of("0123456789");
    if (digits == std::string_view::npos) return false;
    const auto maker = plain.substr(0, digits);
    const bool known = maker.empty() || maker == "cp" || maker == "ibm" || maker == "csibm" ||
                       maker == "xcp" || maker == "xibm" || maker == "ibmcp";
    const auto number = parse_number(plain.substr(digits, 5));
    return known && number && std::find(std::begin(numbers), std::end(numbers), *number) != std::end(numbers);
}

// Lower case, and without what the aliases of a charset differ in.
std::string plain_name(std::string_view charset) {
    std::string made;
    for (const char c : charset.substr(0, 64))
        if (c != '-' && c != '_' && c != ' ') made += to_lower(c);
    return made;
}

} // namespace

std::string to_utf8(std::string_view charset, std::string_view octets) {
    if (equals_ignoring_case(charset, "iso-8859-1") || equals_ignoring_case(charset, "windows-1252")) {
        std::string out;
        for (const char c : octets) append_utf8(static_cast<unsigned char>(c), out);
        return out;
    }
    const auto plain = plain_name(charset);
    if (plain.ends_with("utf7")) return from_utf7(octets); // and unicode-1-1-utf-7, csUnicode11UTF7
    if (plain.starts_with("iso2022") || plain.starts_with("csiso2022")) return from_iso2022(octets);
    if (plain == "hzgb2312" || plain == "hz") return from_hz(octets);
    if (plain == "utf16le") return from_utf16(octets, order::little);
    if (plain == "utf16be") return from_utf16(octets, order::big);
    if (plain == "utf16") // RFC 2781 §4.3: big unless marked
        return from_utf16(octets, octets.starts_with("\xff\xfe") ? order::little : order::big);
    if (is_ebcdic(plain)) return from_ebcdic(octets);
    return std::string(octets);
}

} // namespace postern::protocol::mime

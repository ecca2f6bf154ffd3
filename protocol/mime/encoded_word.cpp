// Octets of words of one charset are joined before they are converted, since senders cut characters in two.
#include "protocol/mime/encoded_word.hpp"

#include "protocol/mime/decoder.hpp"
#include "protocol/smtp/grammar.hpp"

#include <cstdint>
#include <optional>

namespace postern::protocol::mime {
namespace {

struct word {
    std::string_view charset;
    char encoding = 0; // 'b' or 'q'
    std::string_view text;
    std::size_t length = 0; // octets, "=?" and "?=" included
};

// The encoded word at the front of `text`, which starts with "=?".
std::optional<word> read_word(std::string_view text) {
    constexpr std::size_t charset_max = 64;
    const auto charset_end = text.substr(0, charset_max).find('?', 2);
    if (charset_end == std::string_view::npos || text.size() < charset_end + 3) return {};
    word read;
    read.charset = text.substr(2, charset_end - 2);
    read.charset = read.charset.substr(0, read.charset.find('*')); // a language (RFC 2231 §5)
    read.encoding = to_lower(text[charset_end + 1]);
    if ((read.encoding != 'b' && read.encoding != 'q') || text[charset_end + 2] != '?') return {};
    const auto start = charset_end + 3;
    const auto end = text.find('?', start);
    const bool ended = end != std::string_view::npos && text.substr(end, 2) == "?=";
    if (end != std::string_view::npos && !ended) return {};
    read.text = text.substr(start, end == std::string_view::npos ? end : end - start);
    read.length = ended ? end + 2 : text.size(); // one that nobody ended is cut short
    return read;
}

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

bool only_blanks(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

} // namespace

bool has_encoded_word(std::string_view text) { return text.find("=?") != std::string_view::npos; }

std::string to_utf8(std::string_view charset, std::string_view octets) {
    if (equals_ignoring_case(charset, "iso-8859-1") || equals_ignoring_case(charset, "windows-1252")) {
        std::string out;
        for (const char c : octets) append_utf8(static_cast<unsigned char>(c), out);
        return out;
    }
    if (equals_ignoring_case(charset, "utf-16le")) return from_utf16(octets, order::little);
    if (equals_ignoring_case(charset, "utf-16be")) return from_utf16(octets, order::big);
    if (equals_ignoring_case(charset, "utf-16")) // RFC 2781 §4.3: big unless marked
        return from_utf16(octets, octets.starts_with("\xff\xfe") ? order::little : order::big);
    return std::string(octets);
}

std::string decode_encoded_words(std::string_view text) { return decode_encoded_words(text, &to_utf8); }

std::string decode_encoded_words(std::string_view text, charset_reader convert) {
    std::string out, gathered; // of one charset, not yet converted
    std::string_view charset;
    const auto flush = [&] {
        out += convert(charset, gathered);
        gathered.clear();
    };
    bool after_word = false;
    while (!text.empty()) {
        const auto at = text.find("=?");
        const auto before = text.substr(0, at);
        if (!after_word || !only_blanks(before) || at == std::string_view::npos) {
            flush();
            out += before;
        }
        if (at == std::string_view::npos) break;
        text.remove_prefix(at);
        const auto read = read_word(text);
        if (!read) {
            flush();
            if (after_word) out += only_blanks(before) ? before : std::string_view();
            out += "=";
            text.remove_prefix(1);
            after_word = false;
            continue;
        }
        if (!equals_ignoring_case(charset, read->charset)) flush();
        charset = read->charset;
        gathered += read->encoding == 'b' ? decode_base64(read->text) : decode_q(read->text);
        text.remove_prefix(read->length);
        after_word = true;
    }
    flush();
    return out;
}

} // namespace postern::protocol::mime

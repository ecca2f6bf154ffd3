#include "protocol/mail/text_notice.hpp"

#include "protocol/mail/trace_header.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::size_t line_max = 76;        // RFC 2045 §6.7 (5)
constexpr std::size_t word_octets_max = 42; // of an encoded word's text: RFC 2047 §2 has 75 for the whole
constexpr std::size_t subject_max = 300;    // octets

void add_encoded(std::string& to, char octet) {
    fmt::format_to(std::back_inserter(to), "={:02X}", static_cast<unsigned char>(octet));
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

std::string encoded_line(std::string_view line) {
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool last = i + 1 == line.size();
        const bool plain = (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last);
        const std::size_t size = plain ? 1 : 3;
        if (column + size > line_max - 1) {
            out += "=\r\n";
            column = 0;
        }
        // A line that begins so would mean something to whoever keeps mail in one file, or speaks SMTP badly.
        const bool awkward = column == 0 && (c == '.' || c == 'F');
        if (plain && !awkward)
            out += c;
        else
            add_encoded(out, c);
        column += awkward ? 3 : size;
    }
    return out;
}

std::string encoded_word(std::string_view text) {
    std::string word = "=?utf-8?q?";
    for (const char c : text) {
        if (c == ' ')
            word += '_';
        else if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            word += c;
        else
            add_encoded(word, c);
    }
    return word += "?=";
}

// Octets of whole characters that fit into one word.
std::size_t word_part(std::string_view text) {
    std::size_t end = 0, size = 0;
    while (end < text.size()) {
        std::size_t next = end + 1;
        while (next < text.size() && is_continuation(text[next])) ++next;
        size += 3 * (next - end);
        if (size > word_octets_max && end != 0) break;
        end = next;
    }
    return end;
}

} // namespace

std::string quoted_printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        out += encoded_line(line);
        out += "\r\n";
    }
    return out;
}

std::string header_text(std::string_view text) {
    std::string clean = printable(text, subject_max);
    if (is_ascii(clean) && clean.find("=?") == std::string::npos) return clean;
    std::string out;
    for (std::string_view rest = clean; !rest.empty();) {
        const auto part = word_part(rest);
        if (!out.empty()) out += "\r\n ";
        out += encoded_word(rest.substr(0, part));
        rest.remove_prefix(part);
    }
    return out;
}

std::string make_notice(const text_notice& facts) {
    std::string out;
    const auto date = mail_date(facts.now);
    fmt::format_to(std::back_inserter(out),
                   "Received: by {0} (Postern)\r\n\tid {1}; {2}\r\nFrom: Postmaster <postmaster@{0}>\r\nTo: "
                   "<{3}>\r\nDate: {2}\r\nSubject: {4}\r\nMessage-ID: <{1}@{0}>\r\n",
                   facts.hostname, facts.id, date, facts.to.to_string(), header_text(facts.subject));
    // RFC 3834 §5: nothing may answer this by itself.
    out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
           "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    return out += quoted_printable(facts.text);
}

} // namespace postern::protocol

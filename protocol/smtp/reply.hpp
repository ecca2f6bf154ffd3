// A reply as data: code, enhanced code, text. Serialised in one place, so that no other code builds wire
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol {

// RFC 3463. {0,0,0} = none (220, EHLO, 3xx).
struct enhanced_code {
    std::uint8_t category = 0; // 2, 4 or 5: equals the first digit of the reply
    std::uint16_t subject = 0;
    std::uint16_t detail = 0;
    bool operator==(const enhanced_code&) const = default;
};

struct reply {
    std::uint16_t code = 250;
    enhanced_code enhanced;
    std::string text;   // printable; '\n' separates the lines of a multi-line reply
    bool close = false; // the connection ends after this reply

    bool positive() const { return code < 400; }
    bool temporary() const { return code >= 400 && code < 500; }
    bool permanent() const { return code >= 500; }
};

// Appends the reply as RFC 5321 §4.2 wants it: CRLF, at most 512 octets a line (longer text is cut), the
// enhanced code on every line, nothing but printable characters.
void append_reply(std::string& out, const reply& what);
// "334 " and the challenge in base64, of any length (RFC 4954 §4).
void append_challenge(std::string& out, std::string_view base64);
// "550 5.1.1 text" on one line, for logs.
std::string reply_line(const reply& what);

} // namespace postern::protocol

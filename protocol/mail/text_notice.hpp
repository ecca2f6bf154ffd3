// A mail of the server's own to one person: plain text in UTF-8, that nothing should answer. Pure. Whatever
// the text holds, it is the body's: header fields are made of what the server knows and of addresses that
// were parsed.
#pragma once

#include "protocol/smtp/address.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol {

struct text_notice {
    std::string_view hostname; // A-labels
    std::string_view id;       // of the queue
    std::int64_t now = 0;      // unix seconds
    const address& to;
    std::string_view subject; // UTF-8
    std::string_view text;    // UTF-8, lines end with LF
};

// The whole message with CRLF, 7-bit but for an address that is not ASCII.
std::string make_notice(const text_notice& facts);

// RFC 2045 §6.7, lines end with LF in the input and CRLF in the output.
std::string quoted_printable(std::string_view text);
// RFC 2047: as it is when it is printable ASCII, else encoded words, folded. Controls become blanks.
std::string header_text(std::string_view text);

} // namespace postern::protocol

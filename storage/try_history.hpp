// What was tried for the recipients of a message: when, at which server, what it said. Kept with a message
// that waits, within bounds: a peer chooses the texts, and time their number. Pure.
#pragma once

#include "protocol/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

struct delivery_try {
    std::uint32_t recipient = 0; // its place in the message
    std::uint16_t number = 0;    // of the tries for it, from 1 on; 65535 = as many or more
    std::int64_t when = 0;       // its end, unix seconds
    std::string server;          // "mx1.example.net[192.0.2.7]:25", "maildir", "none"
    std::string code;            // RFC 3463: "4.2.0"
    std::string text;            // the reply, or our words
    std::string tls;             // "plain", "TLSv1.3", "TLSv1.3 DANE-EE"; "" = there was no connection
    bool operator==(const delivery_try&) const = default;
};

inline constexpr std::size_t tries_kept_max = 20;             // of one recipient: the first and the last ones
inline constexpr std::size_t history_octets_max = 128 * 1024; // of one message's record
inline constexpr std::size_t try_server_max = 300, try_code_max = 16, try_text_max = 512, try_tls_max = 64;

// Puts `fresh` behind what is there and lets the oldest go that are too many, but no recipient's first while
// others are left.
void add_tries(std::vector<delivery_try>& history, std::span<const delivery_try> fresh);

// As queue.hpp's codec: any octets decode to tries or to corrupt / newer_format, and what decodes encodes to
// the same octets. Longer texts are cut.
std::string encode_history(std::span<const delivery_try> tries);
result<std::vector<delivery_try>> decode_history(std::string_view record);

} // namespace postern::storage

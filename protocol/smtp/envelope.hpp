// What SMTP said about one message: filled by MAIL and RCPT, emptied as a whole by RSET, EHLO, STARTTLS and
// every end of data.
#pragma once

#include "protocol/smtp/address.hpp"

#include <cstdint>
#include <vector>

namespace postern::protocol {

enum class body_type : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };
enum class dsn_return : std::uint8_t { unset, full, headers };

// RFC 3461 §4.1 as bits; none set = the parameter was absent.
struct dsn_notify {
    static constexpr std::uint8_t unset = 0, never = 1, success = 2, failure = 4, delay = 8;
};

struct recipient {
    address mailbox;
    std::uint8_t notify = dsn_notify::unset;
    std::string original; // ORCPT: "type;address", xtext decoded; empty when absent
};

struct envelope {
    std::optional<address> sender; // empty: "<>"
    std::vector<recipient> recipients;
    std::uint64_t declared_size = 0; // SIZE=, 0 when absent
    body_type body = body_type::seven_bit;
    bool smtputf8 = false;
    bool prdr = false; // each recipient is to have an answer of its own after the data (draft-hall-prdr-00)
    dsn_return ret = dsn_return::unset;
    std::string envelope_id; // ENVID, xtext decoded

    std::string sender_text() const { return sender ? sender->to_string() : std::string(); }
};

} // namespace postern::protocol

// A mailbox address in SMTP: parsed, canonical, comparable. RFC 5321 §4.1.2 (Path, Mailbox), RFC 6531
// (UTF-8), limits of RFC 5321 §4.5.3.1 (local part 64, domain 255, path 256 octets).
// Departs from RFC 5321 §4.5.3.1.1: a local part that a forwarder has written (mail/srs.hpp) may fill the
// path, since it holds a whole address. Others send such too, and their mail would be refused else.
#pragma once

#include "protocol/smtp/grammar.hpp"

namespace postern::protocol {

struct address {
    std::string local;  // unquoted; case as the peer wrote it; NFC
    std::string domain; // canonical_domain(), "[literal]", or empty only for <postmaster>

    // "local@domain" with quotes where the local part needs them; "postmaster" without a domain; never angle
    // brackets.
    std::string to_string() const;
    // The key for look-ups: local part folded to lower case, domain canonical. Never sent anywhere.
    std::string folded() const;

    bool is_literal() const { return !domain.empty() && domain.front() == '['; }
    bool operator==(const address&) const = default;
};

// "SRS0=...", also with "+" or "-" and in any case; or SRS1: a forwarder has written it in the sender's
// place.
bool is_rewritten_sender(std::string_view local);

// local@domain without brackets, as in configuration and commands. Accepts UTF-8.
result<address, parse_error> parse_address(std::string_view text);

// "<...>" at the front of a MAIL or RCPT argument. A source route is read and dropped (RFC 5321 Appendix C).
struct parsed_path {
    std::optional<address> mailbox; // empty: "<>"
    std::size_t length = 0;         // octets of the input, brackets included
    bool utf8 = false;              // needs SMTPUTF8 on every hop
};
enum class path_kind {
    reverse, // "<>" is allowed
    forward, // "<postmaster>" (any case) is allowed without a domain
};
result<parsed_path, parse_error> parse_path(std::string_view text, path_kind kind, unicode non_ascii);

} // namespace postern::protocol

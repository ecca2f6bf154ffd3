// Trace fields that we add: Received (RFC 5321 §4.4, RFC 3848, RFC 6531 §3.7.3), Return-Path and
// Delivered-To. Peer text in them is made printable, so that no field can be forged.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol {

struct received_facts {
    std::string_view helo;
    bool helo_well_formed = false; // else it stands in a comment
    ip_address client;
    std::string_view client_name; // reverse name when known and confirmed; "" = unknown
    std::string_view by;          // our host name
    std::string_view with;        // "ESMTPS"
    std::string_view tls;         // "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"; "" when plain
    std::string_view id;
    std::string_view only_recipient; // "for" only where there is exactly one; "" otherwise
    std::int64_t when = 0;           // unix seconds
    bool hides_client = false;       // no "from" at all: where people are is nobody's business
};

// Whole fields with their CRLF.
std::string received_field(const received_facts& facts);
// What RFC 6409 §8.2 and §8.3 add where a mail client forgot them: Date and Message-ID, each a whole field.
std::string date_field(std::int64_t unix_seconds);
std::string message_id_field(std::string_view queue_id, std::string_view host);
std::string return_path_field(std::string_view sender); // "" -> "<>"
std::string delivered_to_field(std::string_view recipient);

// "Tue, 24 Nov 2026 05:20:53 +0000" (RFC 5322 §3.3), in UTC.
std::string mail_date(std::int64_t unix_seconds);

// RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, ESMTPSA, UTF8SMTP and so on.
enum class greeting_kind : std::uint8_t { none, helo, ehlo };
enum class client_proof : std::uint8_t { none, authenticated };
std::string_view with_protocol(greeting_kind greeting, bool tls, bool smtputf8,
                               client_proof proof = client_proof::none);

} // namespace postern::protocol

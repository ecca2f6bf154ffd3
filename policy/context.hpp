// What a check may look at, and what it may ask. Everything is borrowed from the session that awaits the
// verdict.
#pragma once

#include "conf/config.hpp"
#include "policy/mailbox_room.hpp"
#include "policy/resolver.hpp"
#include "protocol/mail/header_scan.hpp"
#include "protocol/smtp/envelope.hpp"
#include "storage/tables/directory.hpp"

namespace postern::policy {

enum class stage : std::uint8_t { connect, helo, mail, rcpt, content };

// One accepted RCPT and where it leads.
struct accepted_recipient {
    std::vector<storage::final_recipient> leads_to;
};

// What the checks learned about the transaction; destroyed as a whole with it.
struct transaction {
    std::vector<accepted_recipient> recipients; // in step with the envelope's
};

// Outside things that checks ask; they outlive every session of a thread.
struct services {
    const storage::directory& accounts;
    mailbox_room& room;
    resolver& dns; // of the session's thread
};

struct context {
    const conf::config& config;
    const conf::listener_settings& listener;
    const storage::resolve_settings& resolving;
    services& ask;
    const protocol::ip_address& client;
    std::string_view helo;
    const protocol::envelope& envelope;
    const protocol::recipient* candidate; // at rcpt
    const protocol::header_scan* header;  // at content
    std::uint64_t size;                   // octets: declared at mail and rcpt, true at content
    transaction& learned;
};

} // namespace postern::policy

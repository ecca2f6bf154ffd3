// What a check may look at, and what it may ask. Everything is borrowed from the session that awaits the
// verdict.
#pragma once

#include "conf/config.hpp"
#include "policy/call_out.hpp"
#include "policy/early.hpp"
#include "policy/mailbox_room.hpp"
#include "policy/recipient_outcome.hpp"
#include "policy/resolver.hpp"
#include "policy/rules.hpp"
#include "policy/scanner.hpp"
#include "policy/sender_rewriter.hpp"
#include "policy/spam_readers.hpp"
#include "policy/submission/foreign_senders.hpp"
#include "policy/submission/limits.hpp"
#include "policy/verdict.hpp"
#include "protocol/mail/header_scan.hpp"
#include "protocol/smtp/envelope.hpp"
#include "protocol/smtp/reply_catalogue.hpp"
#include "protocol/spf/evaluator.hpp"
#include "storage/resolve.hpp"
#include "storage/tables/directory.hpp"
#include "storage/tables/greylist.hpp"
#include "storage/tables/identities.hpp"
#include "storage/tables/tokens.hpp"

namespace postern::policy {

enum class stage : std::uint8_t { connect, helo, mail, rcpt, content };

// One accepted RCPT and where it leads.
struct accepted_recipient {
    std::vector<storage::final_recipient> leads_to;
    // Of the RCPT, for the tests of the content: as in `context`.
    std::string allowed_by = {};
    bool may_be_allowed = false;
};

// A list that has the client (test 1).
struct listing {
    std::string zone;
    std::string text; // its TXT, "" = none
};

// Can mail come back to the sender's domain (test 2)?
struct sender_domain_finding {
    enum class kind { takes_mail, takes_none, null_mx, later } what = kind::later;
    std::string why; // a sentence for the log and, of takes_none, for the peer
};

// The client's name: of its PTR records the first that resolves back, else the first of them.
struct client_name {
    std::string name; // "" = none, or not known in time
    host_name_proof proof = host_name_proof::unproved;
    bool is_open = false; // trouble with DNS: it may have another name, or this one may be proved
};

// What is looked up about the client, begun at connect and kept for the whole session.
struct about_client {
    early<std::optional<listing>> listed;
    early<client_name> name;
    bool in_vain = false; // look-ups were begun at MAIL, and no RCPT has come since
};

// What the checks learned about the transaction; destroyed as a whole with it.
struct transaction {
    bool begun = false;                         // its look-ups
    std::vector<accepted_recipient> recipients; // in step with the envelope's
    std::string tier;                           // of the first of them
    early<sender_domain_finding> sender_domain;
    early<std::shared_ptr<const protocol::spf::conclusion>> spf;
    std::shared_ptr<const protocol::spf::conclusion> spf_result; // once it was asked for
    bool spf_wanted = false;                                     // the test is on
    protocol::spf::query spf_subject;
    std::optional<scan_outcome> scanned;         // once it was asked for
    std::optional<result<spam_readers>> readers; // likewise: readers_of()
    std::vector<std::string> reports;            // what would have been refused, a line each, for the header
    std::size_t reports_written = 0;             // of them, into the stored message
    // At content: `outcomes[i].add()` says what the message comes to for recipient i. Of the size of the
    // envelope's recipients when a check sees them, and settled once the stage is over.
    recipient_outcomes outcomes;
    // Whole header fields with their CRLF, ASCII (trace_fields.hpp: is_whole_field), to stand above the
    // message of every recipient: they tell nothing of one alone. X-Spam-Flag is written by the delivery.
    std::vector<std::string> result_fields;
    // Of who authenticated, once the content has passed: room for the message's copies. kept() when it is
    // stored; else it is given back.
    std::optional<reservation> room_to_send;
};

class rule_book;
class zone_health;
struct sending_desk;

// Outside things that checks ask; they outlive every session of a thread.
struct services {
    const storage::directory& accounts;
    mailbox_room& room; // of the session's thread
    resolver& dns;      // likewise
    tasks& beside;      // likewise
    rule_book& rules;
    zone_health& zones;
    storage::greylist* greylist = nullptr;           // null: there is no secondary listener
    call_out* primaries = nullptr;                   // null: as if all were away
    const storage::tokens* taught = nullptr;         // what postern learn taught; null: nothing
    const storage::identities* identities = nullptr; // null: nobody has any
    foreign_senders* foreign = nullptr;              // null: nobody takes note of them
    sending_desk* sending = nullptr;                 // null: what is sent isn't counted
    const sender_rewriter* srs = nullptr;            // null: no address stands for another

    services of_thread(mailbox_room& own_room, resolver& own, tasks& own_tasks) const {
        return {accounts,  own_room, own,        own_tasks, rules,   zones, greylist,
                primaries, taught,   identities, foreign,   sending, srs};
    }
};

struct context {
    const std::shared_ptr<const conf::config>& config;
    const conf::listener_settings& listener;
    const storage::resolve_settings& resolving;
    const rule_set& exempt_senders;                                      // greylist.exempt_senders, compiled
    const std::shared_ptr<const std::vector<protocol::ip_address>>& own; // addresses of this machine
    services& ask;
    const protocol::ip_address& client;
    std::string_view helo;
    const protocol::envelope& envelope;
    const protocol::recipient* candidate; // at rcpt
    const protocol::header_scan* header;  // at content
    std::uint64_t size;                   // octets: declared at mail and rcpt, true at content
    std::int64_t now;                     // unix seconds
    conf::day today;                      // of the local calendar
    about_client& peer;
    transaction& learned;
    trace& told;                        // the verdicts of this stage are added
    message_scanner* content = nullptr; // at content; null: there is none
    // Of the candidate, filled by the engine.
    std::optional<result<storage::resolution>> leads_to = std::nullopt;
    std::optional<protocol::reply_id> no_notice =
        std::nullopt;                          // a forwarded sender that mail isn't taken for
    const conf::relay_hop* primary = nullptr;  // whom to ask whether it exists; null = nobody
    const conf::tier_settings* tier = nullptr; // null: of no name that the configuration has
    std::string allowed_by = {};               // the allow rule that skips tests; "" = none
    // An allow rule about host names may hold, and the client's name can't be looked up: what such a rule
    // skips may defer then, not refuse.
    bool may_be_allowed = false;
    std::string_view account = {}; // the folded address of the mailbox that authenticated; "" = nobody did
};

} // namespace postern::policy

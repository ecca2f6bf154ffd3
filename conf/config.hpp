// The configuration as the program uses it: an immutable snapshot, read once per session. Filled by load.hpp
// from the table in settings.cpp, where each key's default and meaning stand. Knows nothing of how a setting
// is used.
#pragma once

#include "conf/autoconfig.hpp"
#include "conf/relay.hpp"
#include "protocol/net/cidr.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::conf {

using std::chrono::seconds;
using day = std::chrono::sys_days; // of the local calendar; the epoch = none

enum class log_format { text, json };
enum class log_level { error, warning, info, debug };
enum class listener_role { mx, secondary, tempfail, submission };
enum class tls_mode {
    automatic, // starttls (a certificate always exists: the server makes one where none is configured)
    off,
    starttls,
    implicit,
};

struct server_settings {
    std::string hostname;
    std::string state_dir;
    unsigned threads = 0; // 0 = one per core
    std::string user;     // "" = stay
    seconds drain_timeout{};
    bool operator==(const server_settings&) const = default;
};

struct log_settings {
    log_format format = log_format::text;
    log_level level = log_level::info;
    std::string file;        // "-" = stdout
    std::string syslog_name; // the program name in text lines: "postfix" keeps fail2ban and pflogsumm working
    bool operator==(const log_settings&) const = default;
};

struct admin_settings {
    std::string socket;
    std::string http; // what parse_endpoint() (settings.hpp) reads; "" = off
    bool operator==(const admin_settings&) const = default;
};

struct certificate_settings {
    std::string cert;
    std::string key;
    std::string next_key = {}; // "" = none is known
    bool operator==(const certificate_settings&) const = default;
};

struct tls_settings {
    std::string min_version; // "1.0", "1.1", "1.2", "1.3"
    std::vector<certificate_settings> certificates;
    bool dane_check = true; // of renewed certificates
    bool operator==(const tls_settings&) const = default;
};

struct listener_settings {
    std::string name;
    std::vector<endpoint> addresses;
    listener_role role = listener_role::mx;
    std::string tier;
    std::string hostname; // never empty after loading: server.hostname where not set
    tls_mode tls = tls_mode::automatic;
    std::uint64_t max_message_size = 0;
    std::vector<protocol::cidr> proxy_from;
    bool auth = false; // people may authenticate on an MX too
    bool operator==(const listener_settings&) const = default;
};

struct limit_settings {
    unsigned sessions = 0;
    unsigned sessions_per_client = 0;
    std::vector<protocol::cidr> exempt_clients;
    unsigned errors = 0;      // then 421
    unsigned soft_errors = 0; // from here each error reply waits error_delay
    seconds error_delay{};
    unsigned junk_commands =
        0; // RSET, NOOP, VRFY, HELP, EHLO without a message accepted between them; then 421
    unsigned max_recipients = 0;
    unsigned alias_targets = 0; // final recipients that one RCPT may become
    unsigned max_received = 0;  // Received fields in a message; more is a loop
    std::uint64_t max_header_size = 0;
    std::uint64_t max_text_line = 0; // octets without CRLF; 0 = any
    seconds greet_wait{};
    seconds command_timeout{};
    seconds data_timeout{};
    std::uint64_t data_min_rate = 0; // octets a second, averaged over a minute; 0 = any
    seconds handshake_timeout{};
    seconds session_time{}; // a whole session at the most
    bool operator==(const limit_settings&) const = default;
};

// A server that mail is handed to: an address, or (LMTP) a socket in the file system.
struct next_hop {
    std::string path; // "" = address
    endpoint address;
    std::string to_string() const; // the path, or the address with its port
    bool operator==(const next_hop&) const = default;
};

struct local_settings {
    std::string transport;                      // "maildir", or what parse_lmtp() (settings.hpp) reads
    std::string maildir;                        // template with {domain} and {local}
    std::string junk_folder;                    // of a Maildir: what is taken for spam goes there
    std::string postmaster;                     // where mail for postmaster goes when a domain has none; "" =
                                                // postmaster@server.hostname's own Maildir
    std::vector<std::string> catch_all_domains; // canonical; only these may have an @domain alias
    bool operator==(const local_settings&) const = default;
};

struct queue_settings {
    std::vector<seconds> retry; // the last repeats; never empty
    seconds expire{};
    seconds delay_notice{};        // age at which the sender is told that it waits; 0 = never
    std::uint64_t min_free = 0;    // octets free on the state folder's disk below which messages get 452
    unsigned notices_per_hour = 0; // to one sender; 0 = as many as there are
    unsigned max_pending = 0;      // messages waiting for the writer before new ones get 452
    unsigned deliveries = 0;       // local deliveries at the same time
    bool operator==(const queue_settings&) const = default;
};

struct tier_settings {
    std::string name;
    bool antivirus = false;
    bool attachments = false;
    bool dnsbl = false;
    bool operator==(const tier_settings&) const = default;
};

enum class test_mode { enforce, report, off };
// What each test has.
struct test_settings {
    test_mode mode = test_mode::enforce;
    day enforce_from{}; // before it the test reports
    bool operator==(const test_settings&) const = default;
};

struct dnsbl_zone_settings {
    std::string name;
    std::vector<protocol::cidr> return_codes; // empty: any of 127.0.0.0/8
    bool operator==(const dnsbl_zone_settings&) const = default;
};

struct dnsbl_settings {
    test_settings test;
    std::vector<protocol::cidr> exempt_clients;
    std::vector<dnsbl_zone_settings> zones;
    bool operator==(const dnsbl_settings&) const = default;
};

struct sender_domain_settings {
    test_settings test;
    bool operator==(const sender_domain_settings&) const = default;
};

struct recipient_settings {
    test_settings test; // of a mailbox's room; who isn't there is never accepted
    bool operator==(const recipient_settings&) const = default;
};

struct greylist_settings {
    test_settings test;
    seconds delay{};
    seconds window{};
    std::vector<protocol::cidr> exempt_clients;
    std::vector<std::string> exempt_senders; // policy::parse_sender_pattern() reads them
    std::uint64_t max_size = 0;              // octets of its file
    bool operator==(const greylist_settings&) const = default;
};

enum class spf_permerror { note, refuse };
struct spf_settings {
    test_settings test;
    spf_permerror permerror = spf_permerror::note;
    bool operator==(const spf_settings&) const = default;
};

// What is done about what test 6 or 7 finds and can't judge. In the order of the words in settings.cpp.
enum class on_finding { refuse, accept };
enum class on_encrypted { accept, names, refuse };
enum class on_not_scanned { defer, refuse, accept };

struct attachment_settings {
    test_settings test;
    std::vector<std::string>
        extensions;                 // lower case, with their dots; at most protocol::scan::extensions_max
    unsigned max_depth = 0;         // archives inside each other
    unsigned max_entries = 0;       // of all archives of a message
    std::uint64_t max_unpacked = 0; // octets, of all archives of a message
    unsigned max_ratio = 0;         // unpacked octets for each packed one; 0 = any
    on_finding on_limit = on_finding::refuse;
    on_finding on_unreadable = on_finding::accept;
    conf::on_encrypted on_encrypted = conf::on_encrypted::accept;
    on_finding on_malformed = on_finding::refuse;
    bool operator==(const attachment_settings&) const = default;
};

struct antivirus_settings {
    test_settings test;
    std::string database; // a folder
    conf::on_not_scanned on_not_scanned = conf::on_not_scanned::defer;
    conf::on_not_scanned on_encrypted = conf::on_not_scanned::accept;
    bool operator==(const antivirus_settings&) const = default;
};

enum class scanner_walls { namespaces, calls };

// The programs that look into messages.
struct scanner_settings {
    unsigned processes = 0;    // 0 = one per core
    seconds timeout{};         // of a scan, waiting for a free process included
    std::uint64_t memory = 0;  // octets of a process beside the signatures
    std::uint64_t scratch = 0; // octets of its temporary files
    scanner_walls sandbox = scanner_walls::namespaces;
    std::string program; // "" = postern-scanner beside this program
    std::string socket;  // where there is one, the program is started there; "" = never
    bool operator==(const scanner_settings&) const = default;
};

enum class spam_engine { embedded, rspamd };
enum class spam_failure { accept, defer };
enum class spam_place { subject, body, anywhere }; // as protocol::scan::phrase_place
struct spam_phrase_settings {
    std::string text;
    double weight = 0;
    spam_place where = spam_place::anywhere;
    bool operator==(const spam_phrase_settings&) const = default;
};

struct spam_weight_settings {
    std::string name; // of a sign; policy knows which there are
    double weight = 0;
    bool operator==(const spam_weight_settings&) const = default;
};

struct spam_settings {
    test_settings test;
    spam_engine engine = spam_engine::embedded;
    std::vector<std::string> rspamd; // what parse_http_server() (settings.hpp) reads; never empty
    seconds timeout{};               // of a question to rspamd, over all servers
    spam_failure on_failure = spam_failure::accept;
    double reject_score = 0, junk_score = 0;
    std::uint64_t max_size = 0; // octets of the file of what was learned
    std::vector<spam_phrase_settings> phrases;
    std::vector<spam_weight_settings> weights;
    bool operator==(const spam_settings&) const = default;
};

// What people who authenticated may send.
struct submission_settings {
    unsigned hourly_limit = 0;          // copies of an account
    unsigned max_recipients = 0;        // of a message
    unsigned first_time_recipients = 0; // of an account and day
    seconds window{};                   // how long the "hour" is
    seconds remember_recipients{};      // who wasn't written to for so long is one for the first time
    std::uint64_t max_size = 0;         // octets of the file of what is counted
    bool hide_client = false;           // Received says neither the client's name nor its address
    bool operator==(const submission_settings&) const = default;
};

// Where passwords are known, and what guessing one costs.
struct auth_settings {
    std::string source;             // "accounts", or what parse_dovecot() (settings.hpp) reads
    std::vector<std::string> words; // that a guesser knows of this host; a password made of them is weak
    unsigned workers = 0;           // threads that compute hashes
    unsigned waiting = 0;           // logins that wait for one; more are told to come back
    seconds remember{};             // a correct login; 0 = not at all
    unsigned max_failures = 0;      // different wrong passwords from a client within failure_window
    seconds failure_window{}, block_time{};
    seconds trust_networks{}; // in which somebody logged in
    bool operator==(const auth_settings&) const = default;
};

// When an account counts as stolen; 0 = that is no sign.
struct suspension_settings {
    test_settings test;
    unsigned first_time_recipients = 0, networks = 0; // in an hour; in a day
    unsigned failed_percent = 0, failed_copies = 0;   // of the copies of a day, if at least so many failed
    unsigned unwanted_messages = 0;                   // refused as spam or for a virus, in a day
    bool operator==(const suspension_settings&) const = default;
};

enum class ownership_mode { enforce, learn, report, off };
struct sender_ownership_settings {
    ownership_mode mode = ownership_mode::enforce;
    day enforce_from{}; // before it `enforce` reports, `learn` learns; from it on both enforce
    bool check_header_from = true;
    bool operator==(const sender_ownership_settings&) const = default;
};

enum class mail_language { en, cs };
struct identity_settings {
    std::string url;  // of the page, as reached from outside; "" = there is no page
    std::string http; // what parse_endpoint() (settings.hpp) reads: the page's own listener; "" = none
    seconds expire{}; // of a question
    unsigned mails_per_address = 0; // a day
    unsigned mails_per_account = 0; // a day
    mail_language language = mail_language::en;
    std::string templates; // a folder; "" = those in the program
    bool operator==(const identity_settings&) const = default;
};

struct ledger_settings {
    seconds keep{};             // 0 = nothing is written down
    std::uint64_t max_size = 0; // octets of its file
    bool operator==(const ledger_settings&) const = default;
};

// Whose AD bit is believed. In the order of the words in settings.cpp.
enum class ad_trust { loopback, always, never };

inline constexpr std::size_t dns_servers_max = 8;

struct dns_settings {
    std::vector<endpoint> servers; // empty = those of /etc/resolv.conf
    seconds timeout{};             // of one question, over all servers and attempts
    ad_trust trust_ad = ad_trust::loopback;
    unsigned max_in_flight = 0; // different questions at the same time, of each thread
    unsigned cache_entries = 0; // of each thread
    std::uint64_t cache_size = 0;
    seconds max_ttl{}, max_negative_ttl{};
    bool operator==(const dns_settings&) const = default;
};

struct config {
    server_settings server;
    log_settings log;
    admin_settings admin;
    dns_settings dns;
    tls_settings tls;
    std::vector<listener_settings> listeners;
    limit_settings limits;
    std::vector<tier_settings> tiers; // "a" to "d" always among them
    dnsbl_settings dnsbl;
    sender_domain_settings sender_domain;
    recipient_settings recipient;
    greylist_settings greylist;
    spf_settings spf;
    attachment_settings attachments;
    antivirus_settings antivirus;
    scanner_settings scanner;
    spam_settings spam;
    submission_settings submission;
    auth_settings auth;
    suspension_settings suspension;
    sender_ownership_settings sender_ownership;
    identity_settings identity;
    autoconfig_settings autoconfig;
    ledger_settings ledger;
    local_settings local;
    relay_settings relay;
    queue_settings queue;
    bool operator==(const config&) const = default;
};

// nullptr: there is none of that name.
const tier_settings* find_tier(const config& among, std::string_view name);
// nullptr: no route is configured for the domain, which is canonical.
const relay_route* find_route(const config& among, std::string_view domain);

} // namespace postern::conf

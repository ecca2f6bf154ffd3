// THE table of settings. A new setting is one row here and one field in config.hpp; loading, defaults,
// checks, the messages about it and docs/reference.md (postern reference) follow. Columns: setting.hpp.
#include "conf/setting.hpp"

#include "conf/text_checks.hpp"

namespace postern::conf {

namespace {

constexpr std::uint64_t minute = 60;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day_long = 24 * hour;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;

constexpr rule between(form what, std::uint64_t least, std::uint64_t most) {
    rule made;
    made.what = what;
    made.least = least;
    made.most = most;
    return made;
}
constexpr rule number(std::uint64_t least, std::uint64_t most) { return between(form::number, least, most); }
constexpr rule size(std::uint64_t least, std::uint64_t most) { return between(form::size, least, most); }
constexpr rule duration(std::uint64_t least, std::uint64_t most) {
    return between(form::duration, least, most);
}
constexpr rule decimal(double low, double high) {
    rule made;
    made.what = form::decimal;
    made.low = low;
    made.high = high;
    return made;
}
constexpr rule word(std::span<const std::string_view> words, text_check first = nullptr) {
    rule made;
    made.what = form::word;
    made.words = words;
    made.check = first;
    return made;
}
constexpr rule text(text_check check, std::string_view wanted) {
    rule made;
    made.check = check;
    made.wanted = wanted;
    return made;
}
constexpr rule any_number_of(rule each) {
    each.many = plurality::list;
    return each;
}
constexpr rule some(rule each) {
    each.many = plurality::list;
    each.may_be_empty = false;
    return each;
}
constexpr rule one_or_some(rule each) {
    each.many = plurality::one_or_list;
    each.may_be_empty = false;
    return each;
}
constexpr rule or_zero(rule of) {
    of.at_zero = zero::is_special;
    return of;
}

// In the order of the enums in config.hpp.
constexpr std::string_view formats[] = {"text", "json"};
constexpr std::string_view levels[] = {"error", "warning", "info", "debug"};
constexpr std::string_view roles[] = {"mx", "secondary", "tempfail", "submission"};
constexpr std::string_view tls_modes[] = {"automatic", "off", "starttls", "implicit"};
constexpr std::string_view test_modes[] = {"enforce", "report", "off"};
constexpr std::string_view permerrors[] = {"note", "refuse"};
constexpr std::string_view refuse_or_accept[] = {"refuse", "accept"};
constexpr std::string_view for_encrypted[] = {"accept", "names", "refuse"};
constexpr std::string_view for_not_scanned[] = {"defer", "refuse", "accept"};
constexpr std::string_view sandboxes[] = {"namespaces", "calls"};
constexpr std::string_view spam_engines[] = {"embedded", "rspamd"};
constexpr std::string_view spam_failures[] = {"accept", "defer"};
constexpr std::string_view spam_places[] = {"subject", "body", "anywhere"};
constexpr std::string_view relay_tls_levels[] = {"dane", "opportunistic", "off"};
constexpr std::string_view ownership_modes[] = {"enforce", "learn", "report", "off"};
constexpr std::string_view languages[] = {"en", "cs"};
constexpr std::string_view ad_trusts[] = {"loopback", "always", "never"};
constexpr std::string_view tls_versions[] = {"1.0", "1.1", "1.2", "1.3"};

constexpr rule a_network = between(form::network, 0, 0);
constexpr rule an_address = between(form::address, 0, 0);
constexpr rule yes_or_no = between(form::boolean, 0, 0);
constexpr rule a_day_or_none = or_zero(between(form::date, 0, 0));
constexpr rule a_folder = text(absolute_path, "an absolute path");
constexpr rule a_file = text(absolute_path, "an absolute path such as \"/etc/postern/tls/fullchain.pem\"");
constexpr rule a_domain = text(domain_name, "a domain such as \"mx1.example.com\"");
constexpr rule a_name = text(short_name, "up to 32 of a-z, 0-9, \"-\" and \"_\"");

constexpr change restart = change::needs_restart;
constexpr change reload = change::at_reload;

// A section's new record, in its place in the config.
template <auto Records> void* appended(config& into, std::string_view) {
    return &(into.*Records).emplace_back();
}
template <auto Section, auto Records> void* appended_in(config& into, std::string_view) {
    return &(into.*Section.*Records).emplace_back();
}
template <auto Records> void* appended_by_name(config& into, std::string_view name) {
    auto& made = (into.*Records).emplace_back();
    made.name = name;
    return &made;
}

void* appended_route(config& into, std::string_view domain) {
    auto& made = into.relay.routes.emplace_back();
    made.domain = domain;
    return &made;
}

void* appended_spam_weight(config& into, std::string_view sign) {
    auto& made = into.spam.weights.emplace_back();
    made.name = sign;
    return &made;
}

constexpr std::string_view mode_meaning =
    "\"enforce\" refuses, \"report\" only says in the log, the counts and the header what it would have "
    "done, \"off\" doesn't look.";
constexpr std::string_view enforce_from_meaning =
    "A day, 2026-03-01, from whose beginning (local time) it refuses; until then it reports. \"\" = from now "
    "on.";
template <auto Section, auto Part> constexpr setting mode_of(std::string_view section_name) {
    return {section_name,
            "mode",
            word(test_modes),
            "enforce",
            reload,
            mode_meaning,
            kept_in_part<Section, Part, &test_settings::mode>};
}
template <auto Section, auto Part> constexpr setting enforce_from_of(std::string_view section_name) {
    return {section_name,
            "enforce_from",
            a_day_or_none,
            "",
            reload,
            enforce_from_meaning,
            kept_in_part<Section, Part, &test_settings::enforce_from>};
}

constexpr section sections[] = {
    {"server", section::kind::table, "The program as a whole."},
    {"log", section::kind::table, "What is told, how and where."},
    {"admin", section::kind::table,
     "How the sub-commands reach the running server, and where its state can be looked at."},
    {"dns", section::kind::table, "The resolvers that are asked for names."},
    {"tls", section::kind::table, "Encryption, for all listeners."},
    {"tls.certificate", section::kind::array,
     "A certificate; repeat it for more. The first is the default, the others are chosen by the name that "
     "the client "
     "asks for (SNI). Where there is none the server makes one for itself.",
     appended_in<&config::tls, &tls_settings::certificates>},
    {"listener", section::kind::array, "A way in; repeat it for more. At least one is needed.",
     appended<&config::listeners>},
    {"limits", section::kind::table, "What one client, session or message may take."},
    {"tier", section::kind::named,
     "The tests that not everybody gets. A listener and a domain name a tier; a domain's wins. Without a "
     "table "
     "of their own \"a\" has none, \"b\" antivirus, \"c\" antivirus and attachments, \"d\" all three.",
     appended_by_name<&config::tiers>},
    {"dnsbl", section::kind::table, "Test 1: clients on lists of bad senders, in tiers that ask for it."},
    {"dnsbl.zone", section::kind::array,
     "A list; repeat it for more. They are asked side by side, and checked at start and each hour with the "
     "addresses of RFC 5782 that each list must and must not have; one that fails is set aside meanwhile.",
     appended_in<&config::dnsbl, &dnsbl_settings::zones>},
    {"sender_domain", section::kind::table, "Test 2: can the sender's domain receive mail?"},
    {"recipient", section::kind::table,
     "Test 3: has the mailbox room? (Who isn't there is refused whatever stands here: what can't be "
     "delivered "
     "is never taken.)"},
    {"greylist", section::kind::table,
     "Test 4, on secondaries: a sender and a client that are not known come back later."},
    {"spf", section::kind::table, "Test 5: may the client send for the sender's domain? (RFC 7208)"},
    {"attachments", section::kind::table, "Test 6: what is attached, in archives too."},
    {"antivirus", section::kind::table, "Test 7: viruses, by ClamAV's engine."},
    {"scanner", section::kind::table, "The sandboxed programs that look into messages."},
    {"spam", section::kind::table,
     "Test 8: does the message look like junk? For mailboxes that have antispam on. docs/antispam.md."},
    {"spam.phrase", section::kind::array,
     "A phrase that junk has; repeat it for more, at most 1000. Case, line ends and the number of blanks "
     "don't "
     "count, and it is found as whole words.",
     appended_in<&config::spam, &spam_settings::phrases>},
    {"spam.weight", section::kind::by_word,
     "What a sign weighs instead of its own weight, a line each: `DATE_MISSING = 0.5`. docs/antispam.md has "
     "the signs.",
     appended_spam_weight},
    {"submission", section::kind::table, "What people who authenticated may send. docs/submission.md."},
    {"auth", section::kind::table, "How they prove who they are. docs/authentication.md."},
    {"suspension", section::kind::table,
     "When an account counts as stolen: it may send no more until it is released. docs/limits.md."},
    {"sender_ownership", section::kind::table,
     "Which addresses they may write from: their mailbox's, its aliases', those of its alias domains, and "
     "confirmed identities. docs/identities.md."},
    {"identity", section::kind::table,
     "Other addresses that people may write from, once the address's owner has agreed."},
    {"autoconfig", section::kind::table,
     "What mail clients are told to use, in DNS and as a page. docs/autoconfig.md."},
    {"ledger", section::kind::table,
     "What was refused or deferred, for postern ledger find: who, when, by which test and why; never the "
     "message."},
    {"local", section::kind::table, "Delivery to the mailboxes on this machine."},
    {"relay", section::kind::table, "Delivery to other servers."},
    {"relay.route", section::kind::by_domain,
     "The server that takes the mail of a domain, a line each: `\"example.org\" = \"192.0.2.7:25\"`. On a "
     "secondary, mail for such a domain is taken and held for that server, its primary; elsewhere the lines "
     "say where mail goes that aliases send there. All other domains outside are reached by the smarthost or "
     "by their MX records.",
     appended_route},
    {"queue", section::kind::table, "Accepted messages on their way to delivery."},
};

constexpr setting settings[] = {
    {"server", "hostname", a_domain, derived("the machine's name"), reload,
     "The name in the banner, in Received fields and in notices of failed delivery; it should resolve to "
     "this machine.",
     kept_in<&config::server, &server_settings::hostname>},
    {"server", "state_dir", a_folder, "/var/lib/postern", restart,
     "The folder of the queue and of the tables of domains, mailboxes and aliases.",
     kept_in<&config::server, &server_settings::state_dir>},
    {"server", "threads", number(0, 256), "0", restart,
     "Threads that serve connections; 0 = one for each core.",
     kept_in<&config::server, &server_settings::threads>},
    {"server", "user", text(system_user, "the name of a system user, or \"\""), "postern", restart,
     "The user to become when started as root, once the ports are bound; \"\" = stay root.",
     kept_in<&config::server, &server_settings::user>},
    {"server", "drain_timeout", duration(0, hour), "30s", reload,
     "How long running transactions may take to end after SIGTERM before their connections are closed.",
     kept_in<&config::server, &server_settings::drain_timeout>},

    {"log", "format", word(formats), "text", reload,
     "Lines as Postfix writes them, for people and the tools that read its logs, or one JSON object a line.",
     kept_in<&config::log, &log_settings::format>},
    {"log", "level", word(levels), "info", reload, "The least weight of an event that is logged.",
     kept_in<&config::log, &log_settings::level>},
    {"log", "file", text(log_destination, "\"-\" or an absolute path"), "-", reload,
     "Where the log goes; \"-\" = standard output; a file is opened anew at each reload, so it can be "
     "rotated.",
     kept_in<&config::log, &log_settings::file>},
    {"log", "syslog_name", text(syslog_name, "up to 32 letters, digits, \"-\", \"_\", \".\" or \"/\""),
     "postfix", reload, "The program's name in text lines; \"postfix\" keeps fail2ban and pflogsumm working.",
     kept_in<&config::log, &log_settings::syslog_name>},

    {"admin", "socket", text(socket_path, "an absolute path of at most 107 octets"),
     "/run/postern/admin.sock", restart, "The socket that the sub-commands talk to.",
     kept_in<&config::admin, &admin_settings::socket>},
    {"admin", "http", text(address_or_empty, "an address such as \"127.0.0.1:8025\", or \"\""),
     "127.0.0.1:8025", restart,
     "Where the status page, /healthz and /metrics are served to whoever can connect, without a password; "
     "\"\" = nowhere.",
     kept_in<&config::admin, &admin_settings::http>},

    {"dns", "servers", any_number_of(an_address), "", reload,
     "Recursive resolvers such as \"127.0.0.1:53\", asked in this order, at most 8; none = those of "
     "/etc/resolv.conf, whose changes are followed.",
     kept_in<&config::dns, &dns_settings::servers>},
    {"dns", "timeout", duration(1, minute), "5s", reload,
     "How long a question may take, over all servers and attempts; then mail that needs the answer is told "
     "to come back.",
     kept_in<&config::dns, &dns_settings::timeout>},
    {"dns", "trust_ad", word(ad_trusts), "loopback", reload,
     "Whose word is taken that an answer was validated (DNSSEC): \"loopback\" = that of resolvers on this "
     "machine, \"always\" = that of all, where the way to them is safe, \"never\" = nobody's.",
     kept_in<&config::dns, &dns_settings::trust_ad>},
    {"dns", "max_in_flight", number(1, 10'000), "1000", reload,
     "Different questions at the same time in each thread; mail that would need one more is told to come "
     "back.",
     kept_in<&config::dns, &dns_settings::max_in_flight>},
    {"dns", "cache_entries", number(0, 10'000'000), "10000", reload,
     "Answers that each thread remembers; 0 = none.", kept_in<&config::dns, &dns_settings::cache_entries>},
    {"dns", "cache_size", size(0, gib), "8MiB", reload, "Memory that they may take in each thread.",
     kept_in<&config::dns, &dns_settings::cache_size>},
    {"dns", "max_ttl", duration(0, day_long), "1d", reload, "How long an answer is remembered at the most.",
     kept_in<&config::dns, &dns_settings::max_ttl>},
    // RFC 2308 §5: one to three hours.
    {"dns", "max_negative_ttl", duration(0, day_long), "1h", reload,
     "How long it is remembered at the most that there is no such name or record.",
     kept_in<&config::dns, &dns_settings::max_negative_ttl>},

    {"tls", "min_version", word(tls_versions), "1.2", reload,
     "The oldest version of TLS that is spoken; older ones than \"1.2\" are broken.",
     kept_in<&config::tls, &tls_settings::min_version>},
    {"tls", "dane_check", yes_or_no, "true", reload,
     "Renewed files of a certificate are not taken by themselves while TLSA records that DNSSEC vouches for "
     "name other keys: servers that go by them would deliver no mail. `postern reload` takes them all the "
     "same.",
     kept_in<&config::tls, &tls_settings::dane_check>},

    {"tls.certificate", "cert", a_file, required("/etc/postern/tls/fullchain.pem"), reload,
     "The PEM file of the certificate with its chain.", kept_in_record<&certificate_settings::cert>},
    {"tls.certificate", "key", a_file, required("/etc/postern/tls/privkey.pem"), reload,
     "The PEM file of its private key.", kept_in_record<&certificate_settings::key>},
    {"tls.certificate", "next_key", text(absolute_path_or_empty, "an absolute path"), "", reload,
     "The PEM file of the key, private or public, that a later certificate will have: `postern dns` shows "
     "its TLSA record beside that of the key in use; \"\" = none.",
     kept_in_record<&certificate_settings::next_key>},

    {"listener", "name", a_name, required("mx1"), reload,
     "What the log and the commands call it; each has its own.", kept_in_record<&listener_settings::name>},
    {"listener", "address", one_or_some(an_address), required("0.0.0.0:25"), restart,
     "Where it listens, one or an array; port 0 = any free one, which the log then names.",
     kept_in_record<&listener_settings::addresses>},
    {"listener", "role", word(roles), "mx", restart,
     "\"mx\" takes mail from other servers for the hosted domains; \"secondary\" does the same with "
     "greylisting, and holds the mail of the domains in `relay.route` for their primaries; \"tempfail\", the "
     "last MX, answers every request but QUIT with 4yz; \"submission\" takes mail for anybody from people "
     "who "
     "authenticate.",
     kept_in_record<&listener_settings::role>},
    {"listener", "tier", a_name, "d", reload, "The set of tests that mail has to pass here.",
     kept_in_record<&listener_settings::tier>},
    {"listener", "hostname", a_domain, derived("`server.hostname`"), reload,
     "Its own name instead of the server's.", kept_in_record<&listener_settings::hostname>},
    {"listener", "tls", word(tls_modes), "automatic", reload,
     "\"starttls\" offers encryption, \"implicit\" begins with it, \"off\" has none; \"automatic\" is "
     "\"starttls\". On a submission listener nothing but EHLO, NOOP, RSET and QUIT is done before it.",
     kept_in_record<&listener_settings::tls>},
    // RFC 5321 §4.5.3.1.7: no server may refuse a message of 64K octets for its size.
    {"listener", "max_message_size", size(64 * kib, 64 * gib),
     derived("`\"100MB\"`; of submission `\"30MB\"`"), reload,
     "The largest message that is taken; the SIZE extension tells it to clients.",
     kept_in_record<&listener_settings::max_message_size>},
    {"listener", "proxy_from", any_number_of(a_network), "", reload,
     "Balancers: clients in these networks must send a PROXY v1 or v2 header, which is believed; nobody else "
     "may.",
     kept_in_record<&listener_settings::proxy_from>},
    {"listener", "auth", yes_or_no, "false", reload,
     "People may authenticate here too (AUTH, under TLS alone), and are then treated as on a submission "
     "listener, which always has it.",
     kept_in_record<&listener_settings::auth>},

    {"limits", "sessions", number(1, 1'000'000), "20000", reload,
     "Sessions at the same time; more are told to come back (421).",
     kept_in<&config::limits, &limit_settings::sessions>},
    {"limits", "sessions_per_client", number(1, 1'000'000), "100", reload,
     "Sessions at the same time from one client.",
     kept_in<&config::limits, &limit_settings::sessions_per_client>},
    {"limits", "exempt_clients", any_number_of(a_network), "127.0.0.0/8 ::1", reload,
     "Clients that sessions_per_client doesn't count.",
     kept_in<&config::limits, &limit_settings::exempt_clients>},
    {"limits", "errors", number(1, 1'000'000), "20", reload,
     "Errors in a session after which it is ended (421).", kept_in<&config::limits, &limit_settings::errors>},
    {"limits", "soft_errors", number(1, 1'000'000), "10", reload,
     "Errors in a session from which on each further one is answered late.",
     kept_in<&config::limits, &limit_settings::soft_errors>},
    {"limits", "error_delay", duration(0, minute), "1s", reload, "How late.",
     kept_in<&config::limits, &limit_settings::error_delay>},
    {"limits", "junk_commands", number(1, 1'000'000), "100", reload,
     "RSET, NOOP, VRFY, HELP and EHLO without a message between them, after which the session is ended "
     "(421).",
     kept_in<&config::limits, &limit_settings::junk_commands>},
    // RFC 5321 §4.5.3.1.8: 100 recipients at the least.
    {"limits", "max_recipients", number(100, 100'000), "1000", reload,
     "Recipients of one message; the LIMITS extension tells it to clients.",
     kept_in<&config::limits, &limit_settings::max_recipients>},
    {"limits", "alias_targets", number(1, 100'000), "1000", reload,
     "Mailboxes that one recipient may become through aliases.",
     kept_in<&config::limits, &limit_settings::alias_targets>},
    {"limits", "max_received", number(1, 10'000), "100", reload,
     "Received fields in a message; one with more is in a loop and refused.",
     kept_in<&config::limits, &limit_settings::max_received>},
    {"limits", "max_header_size", size(kib, gib), "1MiB", reload, "The largest header of a message.",
     kept_in<&config::limits, &limit_settings::max_header_size>},
    // RFC 5321 §4.5.3.1.6: a text line has up to 998 octets and CRLF.
    {"limits", "max_text_line", or_zero(size(998, gib)), "0", reload,
     "Octets in a line of a message; longer lines are refused with 550 5.6.0, never folded; 0 = any.",
     kept_in<&config::limits, &limit_settings::max_text_line>},
    {"limits", "greet_wait", duration(0, minute), "0s", reload,
     "How long to wait before the greeting; a client that talks first is refused.",
     kept_in<&config::limits, &limit_settings::greet_wait>},
    {"limits", "command_timeout", duration(1, day_long), "5m", reload,
     "How long a client may take for its next command.",
     kept_in<&config::limits, &limit_settings::command_timeout>},
    {"limits", "data_timeout", duration(1, day_long), "3m", reload,
     "How long a client may be silent within a message.",
     kept_in<&config::limits, &limit_settings::data_timeout>},
    {"limits", "data_min_rate", size(0, gib), "1KiB", reload,
     "Octets a second that a message must arrive with, averaged over a minute; 0 = any.",
     kept_in<&config::limits, &limit_settings::data_min_rate>},
    {"limits", "handshake_timeout", duration(1, hour), "30s", reload,
     "How long a TLS handshake or a PROXY header may take.",
     kept_in<&config::limits, &limit_settings::handshake_timeout>},
    {"limits", "session_time", duration(1, 7 * day_long), "1h", reload, "How long a whole session may take.",
     kept_in<&config::limits, &limit_settings::session_time>},

    {"tier", "antivirus", yes_or_no, "false", reload, "Test 7.", kept_in_record<&tier_settings::antivirus>},
    {"tier", "attachments", yes_or_no, "false", reload, "Test 6.",
     kept_in_record<&tier_settings::attachments>},
    {"tier", "dnsbl", yes_or_no, "false", reload, "Test 1.", kept_in_record<&tier_settings::dnsbl>},

    mode_of<&config::dnsbl, &dnsbl_settings::test>("dnsbl"),
    enforce_from_of<&config::dnsbl, &dnsbl_settings::test>("dnsbl"),
    {"dnsbl", "exempt_clients", any_number_of(a_network), "127.0.0.0/8 ::1", reload,
     "Clients that no list is asked about.", kept_in<&config::dnsbl, &dnsbl_settings::exempt_clients>},
    {"dnsbl.zone", "name", a_domain, required("bl.example.com"), reload,
     "The name under which the list is asked.", kept_in_record<&dnsbl_zone_settings::name>},
    {"dnsbl.zone", "return_codes", any_number_of(a_network), "", reload,
     "The answers that count, such as \"127.0.0.2\" or \"127.0.0.0/29\"; empty = all in 127.0.0.0/8. Those "
     "in "
     "127.255.255.0/24 and outside 127.0.0.0/8 never do.",
     kept_in_record<&dnsbl_zone_settings::return_codes>},

    mode_of<&config::sender_domain, &sender_domain_settings::test>("sender_domain"),
    enforce_from_of<&config::sender_domain, &sender_domain_settings::test>("sender_domain"),

    mode_of<&config::recipient, &recipient_settings::test>("recipient"),
    enforce_from_of<&config::recipient, &recipient_settings::test>("recipient"),

    mode_of<&config::greylist, &greylist_settings::test>("greylist"),
    enforce_from_of<&config::greylist, &greylist_settings::test>("greylist"),
    {"greylist", "delay", duration(0, day_long), "5m", reload,
     "How long after its first attempt a sender is let in.",
     kept_in<&config::greylist, &greylist_settings::delay>},
    {"greylist", "window", duration(minute, 365 * day_long), "24h", reload,
     "How long it is let in from then on, and again from each message on.",
     kept_in<&config::greylist, &greylist_settings::window>},
    {"greylist", "exempt_clients", any_number_of(a_network), "", reload,
     "Clients that don't wait: our own servers.",
     kept_in<&config::greylist, &greylist_settings::exempt_clients>},
    {"greylist", "exempt_senders",
     any_number_of(text(sender_pattern, "a pattern such as \"*.cz\" or \"*@example.com\"")), "", reload,
     "Senders that don't wait; a pattern without @ is of the domain.",
     kept_in<&config::greylist, &greylist_settings::exempt_senders>},
    {"greylist", "max_size", size(mib, 64 * gib), "1GiB", restart,
     "How large its file may grow; some three million pairs are in 1 GiB. When it is full, the oldest that "
     "never came back are forgotten.",
     kept_in<&config::greylist, &greylist_settings::max_size>},

    mode_of<&config::spf, &spf_settings::test>("spf"),
    enforce_from_of<&config::spf, &spf_settings::test>("spf"),
    {"spf", "permerror", word(permerrors), "note", reload,
     "What a record that can't be understood leads to: \"note\" writes it down, \"refuse\" answers 550 "
     "5.7.24.",
     kept_in<&config::spf, &spf_settings::permerror>},

    mode_of<&config::attachments, &attachment_settings::test>("attachments"),
    enforce_from_of<&config::attachments, &attachment_settings::test>("attachments"),
    {"attachments", "extensions", any_number_of(text(file_extension, "an extension such as \".exe\"")),
     ".bat .chm .cmd .com .cpl .dll .exe .hlp .hta .jar .js .pif .reg .scr .shs .vbe .vbs .vxd .wsf .wsh",
     reload, "Ends of file names that are refused, of attachments and in archives.",
     kept_in<&config::attachments, &attachment_settings::extensions>},
    {"attachments", "max_depth", number(0, 64), "8", reload, "How deep archives in archives are looked into.",
     kept_in<&config::attachments, &attachment_settings::max_depth>},
    {"attachments", "max_entries", number(1, 10'000'000), "10000", reload,
     "Entries of all archives of a message together.",
     kept_in<&config::attachments, &attachment_settings::max_entries>},
    {"attachments", "max_unpacked", size(kib, 1024 * gib), "1GB", reload,
     "Octets that all archives of a message may unpack to.",
     kept_in<&config::attachments, &attachment_settings::max_unpacked>},
    {"attachments", "max_ratio", number(0, 1'000'000), "1000", reload,
     "Octets that each one of an archive may unpack to, above 1 MiB; 0 = any.",
     kept_in<&config::attachments, &attachment_settings::max_ratio>},
    {"attachments", "on_limit", word(refuse_or_accept), "refuse", reload,
     "What a message leads to that is beyond one of these limits, or of those of MIME parts.",
     kept_in<&config::attachments, &attachment_settings::on_limit>},
    {"attachments", "on_unreadable", word(refuse_or_accept), "accept", reload,
     "What an archive leads to that can't be read.",
     kept_in<&config::attachments, &attachment_settings::on_unreadable>},
    {"attachments", "on_encrypted", word(for_encrypted), "accept", reload,
     "What an archive with a password leads to: \"names\" judges the names that can be read without it.",
     kept_in<&config::attachments, &attachment_settings::on_encrypted>},
    {"attachments", "on_malformed", word(refuse_or_accept), "refuse", reload,
     "What a message leads to whose structure mail clients would read differently, so that one may show what "
     "another hides.",
     kept_in<&config::attachments, &attachment_settings::on_malformed>},

    mode_of<&config::antivirus, &antivirus_settings::test>("antivirus"),
    enforce_from_of<&config::antivirus, &antivirus_settings::test>("antivirus"),
    {"antivirus", "database", a_folder, "/var/lib/clamav", reload,
     "The folder of ClamAV signature files, which freshclam keeps; read again when it changes.",
     kept_in<&config::antivirus, &antivirus_settings::database>},
    {"antivirus", "on_not_scanned", word(for_not_scanned), "defer", reload,
     "What a message leads to that could not be looked at, or not at all of it: \"defer\" answers 451, so "
     "that it "
     "comes again.",
     kept_in<&config::antivirus, &antivirus_settings::on_not_scanned>},
    {"antivirus", "on_encrypted", word(for_not_scanned), "accept", reload,
     "The same of what is protected by a password.",
     kept_in<&config::antivirus, &antivirus_settings::on_encrypted>},

    {"scanner", "processes", or_zero(number(1, 256)), "0", restart,
     "Processes that look into messages; 0 = one per core.",
     kept_in<&config::scanner, &scanner_settings::processes>},
    {"scanner", "timeout", duration(5, hour), "60s", reload,
     "How long it may take to look into a message, the wait for a free process included; then 451.",
     kept_in<&config::scanner, &scanner_settings::timeout>},
    {"scanner", "memory", size(64 * mib, 64 * gib), "1GiB", reload,
     "What a process may map beside the signatures, the message and its decoded parts included.",
     kept_in<&config::scanner, &scanner_settings::memory>},
    {"scanner", "scratch", size(16 * mib, 64 * gib), "512MiB", reload,
     "What a process's temporary files may hold. They lie in memory.",
     kept_in<&config::scanner, &scanner_settings::scratch>},
    {"scanner", "sandbox", word(sandboxes), "namespaces", reload,
     "\"namespaces\": no files, no network, few system calls. \"calls\": only those few system calls, for "
     "systems "
     "(some containers) that let nobody make namespaces.",
     kept_in<&config::scanner, &scanner_settings::sandbox>},
    {"scanner", "program", text(absolute_path_or_empty, "an absolute path"), "", reload,
     "The program; \"\" = postern-scanner beside postern.",
     kept_in<&config::scanner, &scanner_settings::program>},
    {"scanner", "socket", text(absolute_path_or_empty, "an absolute path"), "/run/postern-scanner.sock",
     reload,
     "Where a service manager starts the program for each connection, as a user of its own "
     "(packaging/postern-scanner.socket); used where there is one. \"\" = never.",
     kept_in<&config::scanner, &scanner_settings::socket>},

    mode_of<&config::spam, &spam_settings::test>("spam"),
    enforce_from_of<&config::spam, &spam_settings::test>("spam"),
    {"spam", "engine", word(spam_engines), "embedded", reload,
     "What gives the score: \"embedded\" = signs, phrases and what was learned, \"rspamd\" = the servers "
     "below.",
     kept_in<&config::spam, &spam_settings::engine>},
    {"spam", "rspamd", one_or_some(text(http_server, "a server such as \"http://127.0.0.1:11333\"")),
     "http://127.0.0.1:11333", reload,
     "rspamd's workers, one or an array, asked in this order until one answers.",
     kept_in<&config::spam, &spam_settings::rspamd>},
    {"spam", "timeout", duration(1, 5 * minute), "20s", reload,
     "How long rspamd may take for a message, over all servers.",
     kept_in<&config::spam, &spam_settings::timeout>},
    {"spam", "on_failure", word(spam_failures), "accept", reload,
     "What becomes of mail while there is no score: \"accept\" takes it without (the log says so), \"defer\" "
     "puts it off (451).",
     kept_in<&config::spam, &spam_settings::on_failure>},
    {"spam", "reject_score", decimal(0.1, 1000), "15.0", reload,
     "From this score on a message is refused (554 5.7.1) when no recipient wants it.",
     kept_in<&config::spam, &spam_settings::reject_score>},
    {"spam", "junk_score", decimal(0.1, 1000), "6.0", reload,
     "From this score on it goes into the Junk folder, with X-Spam-Flag: YES.",
     kept_in<&config::spam, &spam_settings::junk_score>},
    {"spam", "max_size", size(mib, 64 * gib), "512MiB", restart,
     "How large the file of what was learned may grow; some 1.7 million words are in 512 MiB. When it is "
     "full, "
     "those that were not met for longest go.",
     kept_in<&config::spam, &spam_settings::max_size>},
    {"spam.phrase", "text", text(spam_phrase, "1 to 128 octets"), required("limited offer"), reload,
     "The phrase.", kept_in_record<&spam_phrase_settings::text>},
    {"spam.phrase", "weight", decimal(-100, 100), "1.0", reload,
     "What it adds to the score; below 0 it speaks for the message.",
     kept_in_record<&spam_phrase_settings::weight>},
    {"spam.phrase", "where", word(spam_places), "anywhere", reload, "Where it is looked for.",
     kept_in_record<&spam_phrase_settings::where>},
    {"spam.weight", "SIGN", decimal(-100, 100), required("0.5"), reload, "Its weight; 0 = it doesn't count.",
     kept_in_record<&spam_weight_settings::weight>},

    {"submission", "hourly_limit", or_zero(number(1, 1'000'000)), "300", reload,
     "Copies (one for each recipient) that an account may send in an hour, which begins with its first "
     "message; then 550 5.7.28 until it ends. 0 = any number. A domain and a mailbox may have their own.",
     kept_in<&config::submission, &submission_settings::hourly_limit>},
    // RFC 5321 §4.5.3.1.8
    {"submission", "max_recipients", number(100, 100'000), "100", reload,
     "Recipients of one message; LIMITS tells it to clients.",
     kept_in<&config::submission, &submission_settings::max_recipients>},
    {"submission", "first_time_recipients", or_zero(number(1, 1'000'000)), "200", reload,
     "Recipients in a day that an account has not written to before; 0 = any number.",
     kept_in<&config::submission, &submission_settings::first_time_recipients>},
    {"submission", "window", duration(1, day_long), "1h", reload,
     "How long hourly_limit's hour is. A test may make it short.",
     kept_in<&config::submission, &submission_settings::window>},
    {"submission", "remember_recipients", duration(day_long, 365 * day_long), "30d", reload,
     "Who wasn't written to for so long counts as a first-time recipient again.",
     kept_in<&config::submission, &submission_settings::remember_recipients>},
    {"submission", "max_size", size(16 * mib, 64 * gib), "1GiB", restart,
     "How large the file of what is counted may grow: limits, signs of stolen accounts, guessed passwords.",
     kept_in<&config::submission, &submission_settings::max_size>},
    {"submission", "hide_client", yes_or_no, "false", reload,
     "Received fields of mail from people who authenticated don't tell their address.",
     kept_in<&config::submission, &submission_settings::hide_client>},

    {"auth", "source", text(auth_source, "\"accounts\" or \"dovecot:unix:/run/dovecot/auth-client\""),
     "accounts", restart,
     "Where passwords are known: \"accounts\" = the table of mailboxes, or Dovecot's auth socket.",
     kept_in<&config::auth, &auth_settings::source>},
    {"auth", "words", any_number_of(text(local_word, "a word of at most 64 octets")), "", reload,
     "What a guesser knows of this host, such as its name and town: passwords made of it are weak.",
     kept_in<&config::auth, &auth_settings::words>},
    {"auth", "workers", number(1, 64), "1", restart, "Threads that compute password hashes.",
     kept_in<&config::auth, &auth_settings::workers>},
    {"auth", "waiting", number(1, 100'000), "200", restart,
     "Logins that wait for such a thread before others are told to come back (454).",
     kept_in<&config::auth, &auth_settings::waiting>},
    {"auth", "remember", or_zero(duration(1, day_long)), "10m", reload,
     "How long a correct login is known again without computing the hash (a keyed digest in memory, never "
     "the "
     "password); 0s = not at all.",
     kept_in<&config::auth, &auth_settings::remember>},
    {"auth", "max_failures", number(1, 100), "10", reload,
     "Different wrong passwords from one client (an IPv4 address, an IPv6 /64) until it is blocked; five "
     "times as many from its /24 or /48, ten times as many where somebody logged in before.",
     kept_in<&config::auth, &auth_settings::max_failures>},
    {"auth", "failure_window", duration(minute, day_long), "1h", reload, "How long a wrong password counts.",
     kept_in<&config::auth, &auth_settings::failure_window>},
    {"auth", "block_time", duration(1, day_long), "15m", reload,
     "How long it is blocked; twice as long each time, up to sixteen times.",
     kept_in<&config::auth, &auth_settings::block_time>},
    {"auth", "trust_networks", duration(day_long, 365 * day_long), "30d", reload,
     "How long a network is known as one from which somebody logged in.",
     kept_in<&config::auth, &auth_settings::trust_networks>},

    mode_of<&config::suspension, &suspension_settings::test>("suspension"),
    enforce_from_of<&config::suspension, &suspension_settings::test>("suspension"),
    {"suspension", "first_time_recipients", or_zero(number(1, 1'000'000)), "100", reload,
     "Recipients within an hour that the account never wrote to; 0 = no sign.",
     kept_in<&config::suspension, &suspension_settings::first_time_recipients>},
    {"suspension", "networks", or_zero(number(2, 32)), "20", reload,
     "Networks (/24, /48) that it sends from within a day; 0 = no sign.",
     kept_in<&config::suspension, &suspension_settings::networks>},
    {"suspension", "failed_percent", or_zero(number(1, 100)), "50", reload,
     "Share of its copies that failed for good within a day; 0 = no sign.",
     kept_in<&config::suspension, &suspension_settings::failed_percent>},
    {"suspension", "failed_copies", number(1, 1'000'000), "30", reload,
     "Fewer failed copies than this are no sign, whatever their share.",
     kept_in<&config::suspension, &suspension_settings::failed_copies>},
    {"suspension", "unwanted_messages", or_zero(number(1, 1'000'000)), "10", reload,
     "Its messages refused as spam or for a virus within a day; 0 = no sign.",
     kept_in<&config::suspension, &suspension_settings::unwanted_messages>},

    {"sender_ownership", "mode", word(ownership_modes), "enforce", reload,
     "\"enforce\" refuses other senders, \"learn\" lets them be used, notes them as the account's own and "
     "tells the user once, \"report\" only says what it would refuse, \"off\" doesn't look.",
     kept_in<&config::sender_ownership, &sender_ownership_settings::mode>},
    {"sender_ownership", "enforce_from", a_day_or_none, "", reload,
     "A day, 2026-03-01, from whose beginning (local time) \"learn\" and \"enforce\" refuse; until then "
     "\"enforce\" reports. \"\" = no such day.",
     kept_in<&config::sender_ownership, &sender_ownership_settings::enforce_from>},
    {"sender_ownership", "check_header_from", yes_or_no, "true", reload,
     "The authors in the header's From too, not only MAIL FROM.",
     kept_in<&config::sender_ownership, &sender_ownership_settings::check_header_from>},

    {"identity", "url", text(web_page_or_empty, "\"https://mail.example.com/identity\", or \"\""), "", reload,
     "Where the page that confirms an identity is reached from outside; \"\" = by code only (postern "
     "identity "
     "confirm).",
     kept_in<&config::identity, &identity_settings::url>},
    {"identity", "http", text(address_or_empty, "an address such as \"127.0.0.1:8026\", or \"\""), "",
     restart,
     "Where that page and the settings for mail clients are served, for the host's web server to pass "
     "requests to; \"\" = on `admin.http` alone.",
     kept_in<&config::identity, &identity_settings::http>},
    {"identity", "expire", duration(hour, 365 * day_long), "7d", reload,
     "How long a question can be answered.", kept_in<&config::identity, &identity_settings::expire>},
    {"identity", "mails_per_address", number(1, 1000), "3", reload,
     "Questions that are mailed to an address in a day, and never more than one in an hour.",
     kept_in<&config::identity, &identity_settings::mails_per_address>},
    {"identity", "mails_per_account", number(1, 1000), "10", reload,
     "Questions that an account may cause in a day.",
     kept_in<&config::identity, &identity_settings::mails_per_account>},
    {"identity", "language", word(languages), "en", reload, "Of the mails to users: \"en\" or \"cs\".",
     kept_in<&config::identity, &identity_settings::language>},
    {"identity", "templates", text(absolute_path_or_empty, "an absolute path"), "", reload,
     "A folder with texts of one's own, by language; \"\" = those in the program.",
     kept_in<&config::identity, &identity_settings::templates>},

    {"autoconfig", "host",
     text(host_template_or_empty, "a host such as \"{domain--}.mx.example.net\", or \"\""), "", reload,
     "Where mail clients send, of a domain's users; \"{domain}\" stands for the domain and \"{domain--}\" "
     "for "
     "it with \"--\" in place of dots. \"\" = the submission listener's hostname.",
     kept_in<&config::autoconfig, &autoconfig_settings::host>},
    {"autoconfig", "imap",
     text(mail_server_or_empty, "a host with a port such as \"imap.example.net:993\", or \"\""), "", reload,
     "Where they read by IMAP, by TLS, of port 143 by STARTTLS; placeholders as in `host`. \"\" = nothing is "
     "said of it.",
     kept_in<&config::autoconfig, &autoconfig_settings::imap>},
    {"autoconfig", "pop3",
     text(mail_server_or_empty, "a host with a port such as \"pop3.example.net:995\", or \"\""), "", reload,
     "Where they read by POP3, by TLS, of port 110 by STARTTLS. \"\" = nothing is said of it.",
     kept_in<&config::autoconfig, &autoconfig_settings::pop3>},
    {"autoconfig", "name", text(shown_name, "up to 100 octets"), "", reload,
     "What clients show as the provider's name. \"\" = the domain.",
     kept_in<&config::autoconfig, &autoconfig_settings::name>},
    {"autoconfig", "web_host", text(host_or_empty, "a host such as \"www.example.net\", or \"\""), "", reload,
     "The web server that passes requests for autoconfig.DOMAIN on. \"\" = the host of `identity.url`; "
     "without one no such name is to be published.",
     kept_in<&config::autoconfig, &autoconfig_settings::web_host>},

    {"ledger", "keep", or_zero(duration(1, 365 * day_long)), "30d", reload,
     "How long a refused recipient is remembered; 0s = nothing is written down.",
     kept_in<&config::ledger, &ledger_settings::keep>},
    {"ledger", "max_size", size(mib, 64 * gib), "256MiB", restart,
     "How large its file may grow; some three hundred thousand refusals are in 256 MiB. When it is full, the "
     "oldest go.",
     kept_in<&config::ledger, &ledger_settings::max_size>},

    {"local", "transport", text(local_transport, "\"maildir\" or \"lmtp:unix:/run/dovecot/lmtp\""), "maildir",
     reload,
     "What takes the mail of the mailboxes: \"maildir\", or an LMTP server such as Dovecot at a socket "
     "(\"lmtp:unix:/run/dovecot/lmtp\") or an address (\"lmtp:127.0.0.1:24\").",
     kept_in<&config::local, &local_settings::transport>},
    {"local", "maildir", text(maildir_template, "an absolute path with {domain} and {local}"),
     "/var/mail/{domain}/{local}", reload, "The Maildir of a mailbox.",
     kept_in<&config::local, &local_settings::maildir>},
    {"local", "junk_folder", text(mail_folder, "a name such as \"Junk\""), "Junk", reload,
     "The folder of a Maildir for what is taken for spam. An LMTP server gets it with X-Spam-Flag: YES, and "
     "knows where to put it.",
     kept_in<&config::local, &local_settings::junk_folder>},
    {"local", "postmaster", text(mailbox_or_empty, "an address such as \"postmaster@example.com\", or \"\""),
     "", reload,
     "Where mail for postmaster goes in a domain that has none; \"\" = to postmaster's own Maildir at "
     "`server.hostname`.",
     kept_in<&config::local, &local_settings::postmaster>},
    {"local", "catch_all_domains", any_number_of(a_domain), "", reload,
     "Domains in which an alias for everybody (@domain) is allowed.",
     kept_in<&config::local, &local_settings::catch_all_domains>},

    {"relay", "port", number(1, 65535), "25", reload, "The port of servers that MX records name.",
     kept_in<&config::relay, &relay_settings::port>},
    {"relay", "smarthost", text(smarthost_or_empty, "a server such as \"relay.example.net:25\", or \"\""), "",
     reload,
     "The server that takes all mail for others, but for the domains in `relay.route`; \"\" = mail goes to "
     "the MX "
     "hosts of its domain.",
     kept_in<&config::relay, &relay_settings::smarthost>},
    {"relay", "smarthost_user", text(user_or_empty, "a name such as \"mx1@example.net\", or \"\""), "",
     reload,
     "The name for a login at the smarthost (AUTH PLAIN or LOGIN); \"\" = none. It is sent only under TLS "
     "whose "
     "certificate proves the smarthost's name.",
     kept_in<&config::relay, &relay_settings::smarthost_user>},
    {"relay", "smarthost_password_file", text(absolute_path_or_empty, "an absolute path"), "", reload,
     "The file whose first line is the password for it. Nobody but the server's user should be able to read "
     "it.",
     kept_in<&config::relay, &relay_settings::smarthost_password_file>},
    {"relay", "tls", word(relay_tls_levels), "dane", reload,
     "Encryption towards other servers: \"dane\", where the server has it, and proved where its domain "
     "publishes "
     "TLSA records that DNSSEC vouches for; \"opportunistic\", where the server has it; \"off\", never.",
     kept_in<&config::relay, &relay_settings::tls>},
    {"relay", "connections", number(1, 1024), "200", restart,
     "Connections to other servers at the same time.", kept_in<&config::relay, &relay_settings::connections>},
    {"relay", "destination_connections", number(1, 1024), "20", reload,
     "Connections to one destination at the same time, at the most. It begins with fewer, and has more as "
     "long as "
     "all goes well.",
     kept_in<&config::relay, &relay_settings::destination_connections>},
    {"relay", "destination_rate", number(0, 1'000'000), "0", reload,
     "Messages a minute to one destination; 0 = any number.",
     kept_in<&config::relay, &relay_settings::destination_rate>},
    {"relay", "srs", yes_or_no, "true", reload,
     "Mail that an alias sends to another domain leaves with a sender of this server (SRS), so that SPF "
     "holds for "
     "it, unless its sender is of a domain hosted here. docs/forwarding.md.",
     kept_in<&config::relay, &relay_settings::srs>},
    {"relay", "srs_domain", text(domain_or_empty, "a domain such as \"fwd.example.com\", or \"\""), "",
     reload,
     "The domain of those senders, whose MX and SPF records must name this server; \"\" = that of the alias.",
     kept_in<&config::relay, &relay_settings::srs_domain>},
    {"relay", "srs_max_age", duration(day_long, 365 * day_long), "21d", reload,
     "How long notices are taken for such a sender; whole days.",
     kept_in<&config::relay, &relay_settings::srs_max_age>},

    {"relay.route", "DOMAIN", text(relay_server, "a server such as \"192.0.2.7:25\""),
     required("192.0.2.7:25"), reload,
     "The address of its server with the port, or its name with the port, whose addresses are tried in turn; "
     "or \"mx\": the domain's MX hosts that stand before this server, the preferred first.",
     kept_in_record<&relay_route::server>},

    {"queue", "retry", some(duration(1, 30 * day_long)), "1m 5m 15m 30m 1h 2h 4h", reload,
     "The waits between attempts to deliver; the last one repeats.",
     kept_in<&config::queue, &queue_settings::retry>},
    {"queue", "expire", duration(1, 365 * day_long), "5d", reload,
     "How long to try before the sender is told that it failed.",
     kept_in<&config::queue, &queue_settings::expire>},
    {"queue", "delay_notice", or_zero(duration(1, 365 * day_long)), "4h", reload,
     "How long a message waits before its sender is told so; 0s = never.",
     kept_in<&config::queue, &queue_settings::delay_notice>},
    {"queue", "notices_per_hour", number(0, 1'000'000), "300", reload,
     "Notices that one sender gets in an hour; of failures beyond it the sender is told later. 0 = no limit.",
     kept_in<&config::queue, &queue_settings::notices_per_hour>},
    {"queue", "min_free", size(0, 1024 * gib), "64MiB", reload,
     "Room that must be left on the disk of the state folder; with less, new messages are told to come back "
     "(452). For those of at most 64 KiB what is free within the queue's file counts too.",
     kept_in<&config::queue, &queue_settings::min_free>},
    {"queue", "max_pending", number(1, 1'000'000), "10000", restart,
     "Messages waiting to be written before new ones are told to come back (452).",
     kept_in<&config::queue, &queue_settings::max_pending>},
    {"queue", "deliveries", number(1, 1024), "16", restart, "Deliveries to mailboxes at the same time.",
     kept_in<&config::queue, &queue_settings::deliveries>},
};

} // namespace

std::string_view name_of(listener_role role) { return roles[static_cast<std::size_t>(role)]; }
std::string_view name_of(test_mode mode) { return test_modes[static_cast<std::size_t>(mode)]; }
std::string_view name_of(ownership_mode mode) { return ownership_modes[static_cast<std::size_t>(mode)]; }

std::span<const section> all_sections() { return sections; }
std::span<const setting> all_settings() { return settings; }

} // namespace postern::conf

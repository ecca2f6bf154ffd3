// Files with one fault each: where the finding points, what it names, and that it says what would be right.
#include "conf/load.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string>

using namespace postern::conf;
using namespace std::string_literals;

namespace {

struct fault {
    std::string toml; // a sound [[listener]] is added behind it unless it has one
    std::uint32_t line;
    std::uint32_t column;
    std::string key;
    std::string cure; // part of the problem
};

const std::string sound_listener = "\n[[listener]]\nname = \"sound\"\naddress = \"127.0.0.1:0\"\n";

std::string whole(const fault& row) {
    return row.toml.find("listener") == std::string::npos ? row.toml + sound_listener : row.toml;
}

std::string listener_with(const std::string& line) {
    return "[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:0\"\n" + line + "\n";
}

std::vector<finding> errors_in(const loaded& result) {
    std::vector<finding> errors;
    for (const auto& one : result.findings) {
        if (one.how == finding::weight::error) errors.push_back(one);
    }
    return errors;
}

std::string deep(std::size_t parts) {
    std::string key;
    for (std::size_t i = 1; i < parts; ++i) key += "a.";
    return key + "a = 1\n";
}

const fault faults[] = {
    // Syntax
    {"[server\n", 1, 8, "", "expected"},
    {"[limits]\ncommand_timeout = 5m\n", 2, 20, "", "times and sizes stand in quotes"},
    {"[server]\nhostname = \"a.example\"\nhostname = \"b.example\"\n", 3, 12, "", "redefine"},
    {"[server]\n[server]\n", 2, 1, "", "redefine"},
    {"[log]\nfile = \"a\0b\"\n"s, 2, 10, "", "control characters"},
    {"[log]\nfile = \"\xff\"\n", 2, 8, "", "utf-8"},
    {"a = " + std::string(5000, '['), 1, 261, "", "nested value depth"},
    {"\n " + deep(17), 2, 33, "", "more than 16 parts"},
    {"[" + std::string(200'000, 'a') + "." + deep(50'000), 1, 200032, "", "more than 16 parts"},
    // Names
    {"[limits]\ncommand_timout = \"5m\"\n", 2, 1, "limits.command_timout",
     "did you mean \"command_timeout\"?"},
    {"[server]\nhostnmae = \"a.example\"\n", 2, 1, "server.hostnmae", "did you mean \"hostname\"?"},
    {"[limit]\n", 1, 2, "limit", "did you mean \"limits\"?"},
    {"threads = 4\n", 1, 1, "threads", "it belongs in [server]"},
    {"[server]\nexpire = \"5d\"\n", 2, 1, "server.expire", "it belongs in [identity] or [queue]"},
    {"[[certificate]]\ncert = \"/a\"\n", 1, 3, "certificate", "it belongs in [tls]"},
    {"[admin]\ncolour = 1\n", 2, 1, "admin.colour", "those here are socket, http"},
    {"[zebra]\n", 1, 2, "zebra",
     "the sections are server, log, admin, dns, tls, listener, limits, tier, dnsbl, sender_domain, "
     "recipient, greylist, spf, attachments, antivirus, scanner, spam, submission, auth, "
     "suspension, sender_ownership, identity, autoconfig, ledger, local, relay, queue"},
    {"[\"a\\u0007b\"]\n", 1, 2, "a?b", "the sections are"},
    // Types
    {"[limits]\nerrors = \"20\"\n", 2, 10, "limits.errors", "a string stands where an integer is needed"},
    {"[limits]\nerrors = 20.0\n", 2, 10, "limits.errors", "a floating-point number stands where an integer"},
    {"[limits]\nerrors = true\n", 2, 10, "limits.errors", "a boolean stands where an integer is needed"},
    {"[limits]\nerrors = [20]\n", 2, 10, "limits.errors", "an array stands where an integer is needed"},
    {"[limits.errors]\nx = 1\n", 1, 1, "limits.errors", "a table stands where an integer is needed"},
    {"[limits]\ncommand_timeout = 300\n", 2, 19, "limits.command_timeout",
     "an integer stands where a duration in quotes is needed; write a number and s, m, h or d, such as "
     "\"5m\""},
    {"[limits]\ncommand_timeout = 07:32:00\n", 2, 19, "limits.command_timeout", "a time of day stands where"},
    {"[server]\nhostname = 5\n", 2, 12, "server.hostname", "an integer stands where a string is needed"},
    {"[limits]\nexempt_clients = \"::1\"\n", 2, 18, "limits.exempt_clients", "write [ ] around it"},
    {"[limits]\nexempt_clients = [\"::1\",\n  5]\n", 3, 3, "limits.exempt_clients[1]",
     "an integer stands where a network in quotes"},
    {"server = 5\n", 1, 10, "server", "an integer stands where a table is needed; write [server]"},
    {"listener = 5\n", 1, 12, "listener",
     "an integer stands where an array of tables is needed; write [[listener]]"},
    {"[listener]\nname = \"mx\"\n", 1, 1, "listener", "a table stands where an array of tables"},
    {"listener = [5]\n", 1, 13, "listener[0]", "an integer stands where a table is needed"},
    {"tls.certificate = \"/etc/x\"\n", 1, 19, "tls.certificate", "write [[tls.certificate]]"},
    // Forms
    {"[limits]\ncommand_timeout = \"5 min\"\n", 2, 19, "limits.command_timeout",
     "\"5 min\" is not a duration; write a number and s, m, h or d, such as \"5m\""},
    {"[queue]\nmin_free = \"64 MB\"\n", 2, 12, "queue.min_free",
     "\"64 MB\" is not a size; write a number and KB, KiB, MB, MiB, GB or GiB, such as \"30MB\""},
    {"[log]\nlevel = \"warn\"\n", 2, 9, "log.level", "write \"error\", \"warning\", \"info\" or \"debug\""},
    {"[tls]\nmin_version = \"1.4\"\n", 2, 15, "tls.min_version",
     "write \"1.0\", \"1.1\", \"1.2\" or \"1.3\""},
    {"[limits]\nexempt_clients = [\"10.0.0.1/8\"]\n", 2, 19, "limits.exempt_clients[0]",
     "bits set beyond its prefix; write \"10.0.0.0/8\""},
    {"[limits]\nexempt_clients = [\"2001:db8::1/32\"]\n", 2, 19, "limits.exempt_clients[0]",
     "write \"2001:db8::/32\""},
    {"[limits]\nexempt_clients = [\"10.0.0.0/33\"]\n", 2, 19, "limits.exempt_clients[0]",
     "is not a network; write networks such as"},
    {"[server]\nstate_dir = \"var/lib\"\n", 2, 13, "server.state_dir", "beginning with \"/\""},
    {"[server]\nstate_dir = \"/var/\\u0000lib\"\n", 2, 13, "server.state_dir", "control character"},
    {"[server]\nhostname = \"mx_1.example\"\n", 2, 12, "server.hostname",
     "write one such as \"mx1.example.com\""},
    {"[server]\nhostname = \"mx1.example.\"\n", 2, 12, "server.hostname", "without a dot at the end"},
    {"[server]\nhostname = \"\"\n", 2, 12, "server.hostname", "is not a domain"},
    {"[server]\nhostname = \"192.0.2.1\"\n", 2, 12, "server.hostname", "is not a domain"},
    {"[server]\nuser = \"0\"\n", 2, 8, "server.user", "is not the name of a system user"},
    {"[log]\nfile = \"mail.log\"\n", 2, 8, "log.file", "write \"-\" for standard output or an absolute path"},
    {"[log]\nsyslog_name = \"a b\"\n", 2, 15, "log.syslog_name", "such as \"postfix\""},
    {"[admin]\nhttp = \"localhost:8025\"\n", 2, 8, "admin.http", "127.0.0.1:8025"},
    {"[admin]\nhttp = \"127.0.0.1\"\n", 2, 8, "admin.http", "127.0.0.1:8025"},
    {"[dns]\nservers = [\"127.0.0.1:53\", \"127.0.0.1:0\"]\n", 2, 28, "dns.servers[1]",
     "a server has a port, most often 53"},
    {"[dns]\nservers = [\"0.0.0.0:53\"]\n", 2, 12, "dns.servers[0]", "write 127.0.0.1"},
    {"[dns]\nservers = [\"[::]:53\"]\n", 2, 12, "dns.servers[0]", "write 127.0.0.1"},
    {"[dns]\nservers = [\"127.0.0.1:53\", \"127.0.0.1:54\", \"127.0.0.1:53\"]\n", 2, 44, "dns.servers[2]",
     "stands there twice; remove one"},
    {"[dns]\nservers = [\"127.0.0.1\"]\n", 2, 12, "dns.servers[0]", "127.0.0.1"},
    {"[dns]\nservers = [\"localhost:53\"]\n", 2, 12, "dns.servers[0]", "such as"},
    {"[dns]\nservers = [\"10.0.0.1:53\", \"10.0.0.2:53\", \"10.0.0.3:53\", \"10.0.0.4:53\", \"10.0.0.5:53\", "
     "\"10.0.0.6:53\", \"10.0.0.7:53\", \"10.0.0.8:53\", \"10.0.0.9:53\"]\n",
     2, 11, "dns.servers", "9 servers stand there; write at most 8"},
    {"[dns]\ntrust_ad = \"yes\"\n", 2, 12, "dns.trust_ad", "\"loopback\", \"always\" or \"never\""},
    {"[dns]\ntimeout = \"0s\"\n", 2, 11, "dns.timeout", "is too little; write 1s to 1m"},
    {"[dns]\nmax_in_flight = 0\n", 2, 17, "dns.max_in_flight", "write 1 to 10000"},
    {"[admin]\nsocket = \"/" + std::string(107, 's') + "\"\n", 2, 10, "admin.socket", "108 octets"},
    {"[local]\nmaildir = \"{domain}/{local}\"\n", 2, 11, "local.maildir", "beginning with \"/\""},
    {"[local]\nmaildir = \"/m/{local}\"\n", 2, 11, "local.maildir", "has no {domain}"},
    {"[local]\nmaildir = \"/m/{domain}\"\n", 2, 11, "local.maildir", "has no {local}"},
    {"[local]\nmaildir = \"/m/{local}-{domain}\"\n", 2, 11, "local.maildir", "could share a folder"},
    {"[local]\nmaildir = \"/m/{domain}@{local}/x\"\n", 2, 11, "local.maildir", "could share a folder"},
    {"[local]\nmaildir = \"/m/{local}{domain}\"\n", 2, 11, "local.maildir", "could share a folder"},
    {"[local]\nmaildir = \"/m/{local}@{domain}{local}\"\n", 2, 11, "local.maildir", "could share a folder"},
    {"[local]\nmaildir = \"/m/{domain}/{user}/{local}\"\n", 2, 11, "local.maildir",
     "\"{user}\" is not a placeholder"},
    {"[local]\nmaildir = \"/m/{domain}/{local}/{\"\n", 2, 11, "local.maildir", "\"{\" is not a placeholder"},
    {"[local]\nmaildir = \"/m/{domain}/{local}}\"\n", 2, 11, "local.maildir", "\"}\" is not a placeholder"},
    {"[local]\npostmaster = \"root\"\n", 2, 14, "local.postmaster", "such as \"postmaster@example.com\""},
    {"[local]\npostmaster = \"a b@example.com\"\n", 2, 14, "local.postmaster", "is not an address"},
    {"[local]\ncatch_all_domains = [\"a.example\", \"@b.example\"]\n", 2, 35, "local.catch_all_domains[1]",
     "is not a domain"},
    {"[local]\ntransport = \"lmtp:unix:dovecot/lmtp\"\n", 2, 13, "local.transport",
     "is not a transport; write \"maildir\", \"lmtp:unix:/run/dovecot/lmtp\""},
    {"[local]\ntransport = 1\n", 2, 13, "local.transport", "an integer stands where a string is needed"},
    {"[local]\ntransport = \"lmtp:unix:/" + std::string(107, 's') + "\"\n", 2, 13, "local.transport",
     "108 octets"},
    {"[local]\ntransport = \"lmtp:dovecot:24\"\n", 2, 13, "local.transport", "is not a transport"},
    {"[local]\ntransport = \"lmtp:127.0.0.1:0\"\n", 2, 13, "local.transport", "is not a transport"},
    // Ranges
    {"[limits]\ncommand_timeout = \"0s\"\n", 2, 19, "limits.command_timeout",
     "is too little; write 1s to 1d"},
    {"[limits]\nsession_time = \"8d\"\n", 2, 16, "limits.session_time", "is too much; write 1s to 7d"},
    {"[limits]\ndata_timeout = \"0h\"\n", 2, 16, "limits.data_timeout", "is too little"},
    {"[limits]\nhandshake_timeout = \"0m\"\n", 2, 21, "limits.handshake_timeout", "is too little"},
    {"[limits]\nsessions = 0\n", 2, 12, "limits.sessions", "0 is too little; write 1 to 1000000"},
    {"[limits]\nerrors = -1\n", 2, 10, "limits.errors", "-1 is negative; write 1 to 1000000"},
    {"[limits]\nerrors = 9223372036854775807\n", 2, 10, "limits.errors", "is too much"},
    {"[limits]\nmax_recipients = 99\n", 2, 18, "limits.max_recipients", "write 100 to 100000"},
    {"[limits]\nmax_text_line = 997\n", 2, 17, "limits.max_text_line", "write 0, or 998 to 1GiB"},
    {"[server]\nthreads = 257\n", 2, 11, "server.threads", "write 0 to 256"},
    {"[queue]\nretry = []\n", 2, 9, "queue.retry", "is empty; write at least one duration"},
    {"[queue]\nretry = [\"1m\", \"0s\"]\n", 2, 16, "queue.retry[1]", "is too little"},
    {"[queue]\nexpire = \"0d\"\n", 2, 10, "queue.expire", "is too little"},
    // Listeners and certificates
    {"[[listener]]\naddress = \"127.0.0.1:0\"\n", 1, 1, "listener[0].name",
     "is missing; write name = \"mx1\""},
    {"[[listener]]\nname = \"mx\"\n", 1, 1, "listener[0].address",
     "is missing; write address = \"0.0.0.0:25\""},
    {"[[listener]]\nname = \"mx\"\naddress = []\n", 3, 11, "listener[0].address",
     "is empty; write at least one address"},
    {"[[listener]]\nname = \"mx\"\naddress = [\"127.0.0.1:0\", \"localhost:25\"]\n", 3, 27,
     "listener[0].address[1]", "such as \"0.0.0.0:25\" or \"[::1]:25\""},
    {"[[listener]]\nname = \"mx\"\naddress = \"::1:25\"\n", 3, 11, "listener[0].address",
     "is not an address and port"},
    {"[[listener]]\nname = \"MX 1\"\naddress = \"127.0.0.1:0\"\n", 2, 8, "listener[0].name",
     "up to 32 of a-z"},
    {listener_with("role = \"submission\"\ntls = \"off\""), 5, 7, "listener[0].tls",
     "people who authenticate need encryption; write \"starttls\" or \"implicit\""},
    {"[auth]\nsource = \"dovecot\"\n" + listener_with(""), 2, 10, "auth.source",
     "\"dovecot:unix:/run/dovecot/auth-client\""},
    {"[sender_ownership]\nmode = \"learned\"\n" + listener_with(""), 2, 8, "sender_ownership.mode",
     "write \"enforce\", \"learn\", \"report\" or \"off\""},
    {"[identity]\nurl = \"https://mail.example.com/?page=1\"\n" + listener_with(""), 2, 7, "identity.url",
     "write its address without a query"},
    {"[submission]\nmax_recipients = 99\n" + listener_with(""), 2, 18, "submission.max_recipients",
     "write 100 to 100000"},
    {listener_with("role = \"backup\""), 4, 8, "listener[0].role", "is not a known word; write \"mx\""},
    {listener_with("tls = \"ssl\""), 4, 7, "listener[0].tls", "\"starttls\" or \"implicit\""},
    {listener_with("max_message_size = \"63KiB\""), 4, 20, "listener[0].max_message_size",
     "is too little; write 64KiB to 64GiB"},
    {listener_with("adress = \"127.0.0.1:0\""), 4, 1, "listener[0].adress", "did you mean \"address\"?"},
    {listener_with("proxy_from = [\"192.0.2.1/24\"]"), 4, 15, "listener[0].proxy_from[0]",
     "write \"192.0.2.0/24\""},
    {listener_with("") + listener_with(""), 6, 8, "listener[1].name", "is already the name of listener[0]"},
    {"[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\n[[listener]]\nname = \"b\"\n"
     "address = [\"127.0.0.2:25\", \"127.0.0.1:25\"]\n",
     6, 28, "listener[1].address[1]", "already an address of listener \"a\""},
    {"[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\n[[listener]]\nname = \"b\"\n"
     "address = \"127.0.0.1:25\"\n",
     6, 11, "listener[1].address[0]", "already an address of listener \"a\""},
    {"[[listener]]\nname = \"a\"\naddress = [\"127.0.0.1:25\", \"[::]:25\", "
     "\"0.0.0.0:26\"]\n[[listener]]\nname = \"b\"\n"
     "address = \"0.0.0.0:25\"\n",
     6, 11, "listener[1].address[0]",
     "\"0.0.0.0:25\" of listener \"b\" takes in \"127.0.0.1:25\" of listener \"a\"; remove one"},
    {"[[listener]]\nname = \"a\"\naddress = [\"[::]:25\", \"192.0.2.1:25\", \"[::1]:25\"]\n", 3, 39,
     "listener[0].address[2]", "takes in \"[::1]:25\""},
    {"[admin]\nhttp = \"127.0.0.1:25\"\n[[listener]]\nname = \"a\"\naddress = [\"[::]:25\", "
     "\"0.0.0.0:25\"]\n",
     2, 8, "admin.http",
     "\"0.0.0.0:25\" of listener \"a\" takes in admin.http = \"127.0.0.1:25\"; give admin.http another port"},
    {"[admin]\nhttp = \"[::1]:25\"\n[[listener]]\nname = \"a\"\naddress = [\"0.0.0.0:25\", \"[::]:25\"]\n", 2,
     8, "admin.http", "\"[::]:25\" of listener \"a\" takes in admin.http = \"[::1]:25\""},
    {"[admin]\nhttp = \"0.0.0.0:25\"\n[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:25\"\n", 2, 8,
     "admin.http", "admin.http = \"0.0.0.0:25\" takes in \"127.0.0.1:25\" of listener \"a\""},
    {"[[listener]]\nname = \"a\"\naddress = \"0.0.0.0:8025\"\n", 3, 11, "listener[0].address[0]",
     "takes in admin.http = \"127.0.0.1:8025\"; give admin.http another port"},
    // Routes
    {"[relay.route]\n\"a.test\" = \"192.0.2.7\"\n", 2, 12, "relay.route.a.test",
     "\"192.0.2.7\" is not a server; write an address or a host with its port"},
    {"[relay.route]\n\"a.test\" = \"mx.a.test\"\n", 2, 12, "relay.route.a.test", "is not a server"},
    {"[relay.route]\n\"a.test\" = \"192.0.2.777:25\"\n", 2, 12, "relay.route.a.test", "is not a server"},
    {"[relay.route]\n\"a.test\" = \"MX\"\n", 2, 12, "relay.route.a.test", "is not a server"},
    {"[relay.route]\n\"a.test\" = \"mx.a.test:65536\"\n", 2, 12, "relay.route.a.test", "is not a server"},
    {"[relay.route]\n\"a.test\" = \"mx.a.test:0\"\n", 2, 12, "relay.route.a.test", "a server has a port"},
    {"[server]\nhostname = \"s.test\"\n[relay.route]\n\"a.test\" = \"S.test:25\"\n", 4, 12,
     "relay.route.a.test", "s.test is this server's own name"},
    {"[relay]\nsrs_domain = \"192.0.2.1\"\n", 2, 14, "relay.srs_domain", "is not a domain"},
    {"[relay]\nsrs_max_age = \"1h\"\n", 2, 15, "relay.srs_max_age", "is too little"},
    {"[relay]\nsrs_max_age = \"366d\"\n", 2, 15, "relay.srs_max_age", "is too much"},
    {"[relay]\nport = 0\n", 2, 8, "relay.port", "0 is too little; write 1 to 65535"},
    {"[relay.route]\na.test = \"192.0.2.7:25\"\n", 2, 1, "relay.route.a", "write the domain in quotes"},
    {"[relay.route]\n\"a b\" = \"192.0.2.7:25\"\n", 2, 1, "relay.route.a b", "is not a domain"},
    {"[relay.route]\n\"a.test\" = \"192.0.2.7:25\"\n\"A.test\" = \"192.0.2.8:25\"\n", 2, 1,
     "relay.route.a.test", "a.test stands there twice"},
    {"[relay.route]\n\"a.test\" = \"192.0.2.7:0\"\n", 2, 12, "relay.route.a.test", "a server has a port"},
    {"[relay.route]\n\"a.test\" = \"0.0.0.0:25\"\n", 2, 12, "relay.route.a.test", "nobody has this address"},
    {"[relay]\nroute = 5\n", 2, 9, "relay.route", "an integer stands where a table is needed"},
    {"[relay]\nroutes = 5\n", 2, 1, "relay.routes", "did you mean \"route\"?"},
    {"[relay.route]\n\"a.test\" = \"192.0.2.7:25\"\n[[listener]]\nname = \"s\"\naddress = "
     "\"192.0.2.7:25\"\n",
     2, 12, "relay.route.a.test", "192.0.2.7:25 is this server's own listener \"s\""},
    {"[relay.route]\n\"a.test\" = \"[::1]:25\"\n[[listener]]\nname = \"s\"\naddress = \"[::]:25\"\n", 2, 12,
     "relay.route.a.test", "is this server's own listener \"s\""},
    {"[[tls.certificate]]\ncert = \"/a\"\n", 1, 1, "tls.certificate[0].key", "is missing; write key = "},
    {"[[tls.certificate]]\ncert = \"a.pem\"\nkey = \"/k\"\n", 2, 8, "tls.certificate[0].cert",
     "absolute path"},
};

std::string contents(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("each fault is found alone, at its place, with its key and its cure") {
    for (const auto& row : faults) {
        INFO(row.toml.substr(0, 200));
        const auto result = load_text(whole(row), "x.toml");
        CHECK_FALSE(result.ok());
        const auto errors = errors_in(result);
        REQUIRE(errors.size() == 1);
        CAPTURE(errors[0].to_string());
        CHECK(errors[0].line == row.line);
        CHECK(errors[0].column == row.column);
        CHECK(errors[0].key == row.key);
        CHECK_THAT(errors[0].problem, Catch::Contains(row.cure));
    }
}

TEST_CASE("all faults of a file are told at once, in its order") {
    const auto result = load_text("[queue]\nretry = [\"x\"]\nexpire = 5\n"
                                  "[server]\nhostname = \"_\"\nthreds = 1\n"
                                  "[[listener]]\ntier = \"D\"\n[relay]\ntls = \"dan\"\n",
                                  "x.toml");
    std::vector<std::string> lines;
    for (const auto& one : result.findings) lines.push_back(one.to_string());
    REQUIRE(lines.size() == 8);
    const char* begins[] = {"x.toml:2:10: queue.retry[0]: ",  "x.toml:3:10: queue.expire: ",
                            "x.toml:5:12: server.hostname: ", "x.toml:6:1: server.threds: ",
                            "x.toml:7:1: listener[0].name: ", "x.toml:7:1: listener[0].address: ",
                            "x.toml:8:8: listener[0].tier: ", "x.toml:10:7: relay.tls: "};
    for (std::size_t i = 0; i < lines.size(); ++i) CHECK_THAT(lines[i], Catch::StartsWith(begins[i]));
}

TEST_CASE("a file of nothing but faults doesn't make endless findings") {
    std::string toml = "[server]\n";
    for (int i = 0; i < 5000; ++i) toml += fmt::format("k{} = 1\n", i);
    const auto result = load_text(toml + sound_listener, "x.toml");
    CHECK_FALSE(result.ok());
    REQUIRE(result.findings.size() == findings_max + 1);
    CHECK(result.findings.back().to_string() == "x.toml: 4800 more findings are not shown; mend these first");
}

TEST_CASE("the faults that are shown are one line, whatever the file has in it") {
    const auto result = load_text("[server]\nhostname = \"a\\nb\\u001b[31m" + std::string(5000, 'x') +
                                      "\"\n\"c\\r\\nd\" = 1\n" + sound_listener,
                                  "x.toml");
    REQUIRE(result.findings.size() == 2);
    for (const auto& one : result.findings) {
        const auto text = one.to_string();
        CHECK(text.size() < 400);
        CHECK(text.find_first_of("\n\r\x1b") == std::string::npos);
    }
}

TEST_CASE("the broken files for whole-program tests have the fault that they say") {
    const auto folder = std::filesystem::path{POSTERN_SOURCE_DIR} / "tests/integration/broken-config";
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        ++files;
        const auto result = load_file(entry.path().string());
        CHECK_FALSE(result.ok());
        REQUIRE_FALSE(result.findings.empty());
        // "# expects 4:11 limits.command_timeout"; the first finding.
        const auto text = contents(entry.path());
        const auto& first = result.findings.front();
        const auto wanted = fmt::format("# expects {}:{} {}", first.line, first.column, first.key);
        CHECK(text.substr(0, text.find('\n')) == wanted);
    }
    CHECK(files >= 10);
}

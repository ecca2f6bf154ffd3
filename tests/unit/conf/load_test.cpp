#include "conf/load.hpp"
#include "conf/settings.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

using namespace postern::conf;
using namespace std::string_literals;
using postern::protocol::cidr;

namespace {

const std::string least = "[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:2525\"\n";

loaded load(const std::string& toml, const std::string& hostname = "machine.example") {
    auto result = load_text(toml, "x.toml", {hostname});
    for (const auto& one : result.findings) UNSCOPED_INFO(one.to_string());
    return result;
}

std::vector<std::string> lines(const loaded& result) {
    std::vector<std::string> all;
    for (const auto& one : result.findings) all.push_back(one.to_string());
    return all;
}

class temporary_folder {
  public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "postern-conf-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

void write(const std::string& path, const std::string& octets) {
    std::ofstream(path, std::ios::binary) << octets;
}

} // namespace

TEST_CASE("the least file is a listener; everything else has the documented default") {
    const auto result = load(least);
    REQUIRE(result.ok());
    CHECK(result.findings.empty());

    // One of each kind; all of them stand in docs/reference.md, which is held to the table.
    const config& got = *result.snapshot;
    CHECK(got.server.hostname == "machine.example");
    CHECK(got.server.state_dir == "/var/lib/postern");
    CHECK(got.log.format == log_format::text);
    CHECK(got.tls.certificates.empty());
    REQUIRE(got.listeners.size() == 1);
    const auto& listener = got.listeners[0];
    CHECK(listener.name == "mx");
    CHECK(listener.addresses ==
          std::vector<endpoint>{{*postern::protocol::ip_address::parse("127.0.0.1"), 2525}});
    CHECK(listener.tier == "d");
    CHECK(listener.hostname == "machine.example");
    CHECK(listener.tls == tls_mode::automatic);
    CHECK(listener.max_message_size == 100'000'000);
    CHECK(listener.proxy_from.empty());
    CHECK(got.limits.exempt_clients == std::vector<cidr>{*cidr::parse("127.0.0.0/8"), *cidr::parse("::1")});
    CHECK(got.limits.max_text_line == 0);
    CHECK(got.limits.session_time == seconds{3600});
    CHECK(got.queue.retry == std::vector<seconds>{seconds{60}, seconds{300}, seconds{900}, seconds{1800},
                                                  seconds{3600}, seconds{7200}, seconds{14400}});
}

TEST_CASE("every kind of value reaches its field") {
    const auto result = load(R"([server]
hostname = "MX.Bücher.Example"
threads = 4
user = ""
[log]
format = "json"
level = "debug"
file = "/var/log/postern.log"
[tls]
min_version = "1.3"
[[tls.certificate]]
cert = "/a.pem"
key = "/a.key"
[[tls.certificate]]
cert = "/b.pem"
key = "/b.key"
[[listener]]
name = "mx_1-a"
address = ["0.0.0.0:25", "[::]:25"]
role = "mx"
tier = "a"
hostname = "other.example"
tls = "implicit"
max_message_size = 65536
proxy_from = ["192.0.2.0/24", "2001:db8::1"]
[limits]
exempt_clients = []
max_text_line = 998
data_min_rate = 0
[local]
transport = "lmtp:unix:/run/dovecot/lmtp"
postmaster = "Ops@Example.COM"
catch_all_domains = ["Example.ORG"]
[queue]
retry = ["30s"]
)");
    REQUIRE(result.ok());
    CHECK(result.findings.empty());
    const auto& read = *result.snapshot;
    CHECK(read.server.hostname == "mx.xn--bcher-kva.example");
    CHECK(read.server.threads == 4);
    CHECK(read.server.user.empty());
    CHECK(read.log == log_settings{log_format::json, log_level::debug, "/var/log/postern.log", "postfix"});
    CHECK(read.tls.min_version == "1.3");
    CHECK(read.tls.certificates ==
          std::vector<certificate_settings>{{"/a.pem", "/a.key"}, {"/b.pem", "/b.key"}});
    REQUIRE(read.listeners.size() == 1);
    const auto& listener = read.listeners[0];
    CHECK(listener.name == "mx_1-a");
    REQUIRE(listener.addresses.size() == 2);
    CHECK(listener.addresses[1].to_string() == "[::]:25");
    CHECK(listener.tier == "a");
    CHECK(listener.hostname == "other.example");
    CHECK(listener.tls == tls_mode::implicit);
    CHECK(listener.max_message_size == 65536);
    CHECK(listener.proxy_from.size() == 2);
    CHECK(read.limits.exempt_clients.empty());
    CHECK(read.limits.max_text_line == 998);
    CHECK(read.limits.data_min_rate == 0);
    CHECK(read.local.transport == "lmtp:unix:/run/dovecot/lmtp");
    CHECK(parse_lmtp(read.local.transport)->path == "/run/dovecot/lmtp");
    CHECK(read.local.postmaster == "Ops@example.com");
    CHECK(read.local.catch_all_domains == std::vector<std::string>{"example.org"});
    CHECK(read.queue.retry == std::vector<seconds>{seconds{30}});
}

TEST_CASE("each word stands for its own enumerator") {
    const std::pair<const char*, tls_mode> modes[] = {{"automatic", tls_mode::automatic},
                                                      {"off", tls_mode::off},
                                                      {"starttls", tls_mode::starttls},
                                                      {"implicit", tls_mode::implicit}};
    for (const auto& [word, mode] : modes) {
        const auto result = load(least + "tls = \"" + word + "\"\n");
        REQUIRE(result.ok());
        CHECK(result.snapshot->listeners[0].tls == mode);
    }
    const std::pair<const char*, log_level> levels[] = {{"error", log_level::error},
                                                        {"warning", log_level::warning},
                                                        {"info", log_level::info},
                                                        {"debug", log_level::debug}};
    for (const auto& [word, level] : levels) {
        const auto result = load(least + "[log]\nlevel = \"" + word + "\"\n");
        REQUIRE(result.ok());
        CHECK(result.snapshot->log.level == level);
    }
}

TEST_CASE("a listener without a name of its own has the server's") {
    const auto result = load(least + "[server]\nhostname = \"mx.example.cz\"\n");
    REQUIRE(result.ok());
    CHECK(result.snapshot->listeners[0].hostname == "mx.example.cz");
}

TEST_CASE("a machine whose name is no domain is told to set one, unless the file does") {
    CHECK(lines(load(least, "my_host")) ==
          std::vector<std::string>{
              "x.toml: server.hostname: is not set and the machine's own name won't do: \"my_host\" is "
              "not a domain; write one such as \"mx1.example.com\", without a dot at the end"});
    CHECK(load(least + "[server]\nhostname = \"mx.example\"\n", "my_host").ok());
    // A wrong one is its own finding, not two.
    CHECK(load(least + "[server]\nhostname = \"_\"\n", "my_host").findings.size() == 1);
}

TEST_CASE("a file without a listener could only start a server that nobody reaches") {
    for (const auto* toml : {"", "\n# nothing\n", "[server]\n", "\xef\xbb\xbf"}) {
        CHECK(lines(load(toml)) ==
              std::vector<std::string>{
                  "x.toml: listener: no [[listener]] is configured; add one with name and address"});
    }
    CHECK(lines(load("listener = []\n"))[0] ==
          "x.toml:1:12: listener: no [[listener]] is configured; add one with name and address");
}

TEST_CASE("line ends of Windows and a byte order mark change nothing") {
    CHECK(load("\xef\xbb\xbf[server]\r\nthreads = 2\r\n[[listener]]\r\nname = \"mx\"\r\naddress = "
               "\"127.0.0.1:0\"\r\n")
              .ok());
}

TEST_CASE("listeners at any port don't collide") {
    const auto result = load("[[listener]]\nname = \"a\"\naddress = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n"
                             "[[listener]]\nname = \"b\"\naddress = \"127.0.0.1:0\"\n");
    CHECK(result.ok());
}

TEST_CASE("status pages that other machines can reach are warned of, and only those") {
    const std::pair<const char*, bool> addresses[] = {
        {"", false},           {"127.0.0.1:8025", false}, {"127.9.9.9:1", false},
        {"[::1]:8025", false}, {"0.0.0.0:8025", true},    {"10.0.0.1:8025", true},
        {"[::]:8025", true},   {"[fe80::1]:8025", true}};
    for (const auto& [address, warned] : addresses) {
        CAPTURE(address);
        const auto result = load("[admin]\nhttp = \"" + std::string(address) + "\"\n" + least);
        REQUIRE(result.ok());
        CHECK(result.snapshot->admin.http == address);
        REQUIRE(result.findings.size() == (warned ? 1 : 0));
        if (warned) CHECK_THAT(result.findings[0].problem, Catch::Contains("no password"));
    }
}

TEST_CASE("status pages and a listener don't share an address") {
    const auto result = load("[admin]\nhttp = \"127.0.0.1:25\"\n[[listener]]\nname = \"a\"\n"
                             "address = \"127.0.0.1:25\"\n");
    CHECK(!result.ok());
    CHECK(lines(result)[0] == "x.toml:2:8: admin.http: \"127.0.0.1:25\" is already an address of listener "
                              "\"a\"; give admin.http another port");
}

TEST_CASE("extensions are file names' ends, in lower case, and not endless") {
    const auto result = load("[attachments]\nextensions = [\".EXE\", \".tar.gz\"]\n" + least);
    REQUIRE(result.ok());
    CHECK(result.snapshot->attachments.extensions == std::vector<std::string>{".exe", ".tar.gz"});
    for (const auto* bad : {"exe", ".", "*.exe", ".e/x", ".exe."})
        CHECK(!load("[attachments]\nextensions = [\"" + std::string(bad) + "\"]\n" + least).ok());
    std::string many;
    for (int i = 0; i < 300; ++i) many += "\".x" + std::to_string(i) + "\", ";
    const auto endless = load("[attachments]\nextensions = [" + many + "]\n" + least);
    CHECK(!endless.ok());
    CHECK_THAT(lines(endless)[0], Catch::Contains("has 300 extensions and may have 250"));
}

TEST_CASE("a tier is a row of the file, or one of four that are always there") {
    const auto result =
        load("[tier.mild]\ndnsbl = true\n[tier.d]\nantivirus = false\n" + least + "tier = \"mild\"\n");
    REQUIRE(result.ok());
    CHECK(result.findings.empty());
    CHECK(*find_tier(*result.snapshot, "mild") == tier_settings{"mild", false, false, true});
    CHECK(*find_tier(*result.snapshot, "d") ==
          tier_settings{"d", false, false, false}); // a missing key is false
    CHECK(*find_tier(*result.snapshot, "c") == tier_settings{"c", true, true, false});
    CHECK(find_tier(*result.snapshot, "e") == nullptr);
    CHECK(result.snapshot->tiers.size() == 5);
    const auto unknown = load(least + "tier = \"e\"\n");
    CHECK_FALSE(unknown.ok());
    CHECK(lines(unknown)[0] ==
          "x.toml:4:8: listener[0].tier: there is no tier \"e\"; write [tier.e] or name one of "
          "\"a\", \"b\", \"c\", \"d\"");
}

TEST_CASE("a test has a mode and a day from which it enforces") {
    const auto result =
        load("[spf]\nmode = \"report\"\npermerror = \"refuse\"\n[dnsbl]\nenforce_from = 2026-03-01\n"
             "[greylist]\nenforce_from = \"2024-02-29\"\n[[dnsbl.zone]]\nname = \"BL.test\"\n"
             "return_codes = [\"127.0.0.2\", \"127.0.1.0/24\"]\n" +
             least);
    REQUIRE(result.ok());
    const auto& read = *result.snapshot;
    CHECK(read.spf.test.mode == test_mode::report);
    CHECK(read.spf.permerror == spf_permerror::refuse);
    CHECK(read.sender_domain.test == test_settings{});
    CHECK(read.dnsbl.test.enforce_from == std::chrono::year{2026} / 3 / 1);
    CHECK(read.greylist.test.enforce_from == std::chrono::year{2024} / 2 / 29);
    REQUIRE(read.dnsbl.zones.size() == 1);
    CHECK(read.dnsbl.zones[0].name == "bl.test");
    CHECK(read.dnsbl.zones[0].return_codes.size() == 2);
    CHECK(read.greylist.delay == std::chrono::minutes(5));
    CHECK(read.greylist.window == std::chrono::hours(24));
}

TEST_CASE("a day that is none, and a truth that is none, are errors with their cure") {
    const std::pair<const char*, const char*> rows[] = {
        {"[spf]\nenforce_from = \"2026-02-30\"\n", "is not a date; write a day such as 2026-03-01"},
        {"[spf]\nenforce_from = \"1.3.2026\"\n", "is not a date"},
        {"[spf]\nenforce_from = 2026-03-01T10:00:00\n",
         "a date and time stands where a day such as 2026-03-01 is needed"},
        {"[spf]\nenforce_from = 1969-01-01\n", "is not a date"},
        {"[tier.x]\ndnsbl = \"yes\"\n", "write true or false, without quotes"},
        {"[tier.x]\ndnsbl = 1\n", "write true or false, without quotes"},
        {"[tier.x]\ndnbl = true\n", "is not a setting"},
        {"[tier.\"X Y\"]\n", "is not a name"},
        {"[tier]\nx = 1\n", "an integer stands where a table is needed; write [tier.x]"},
        {"tier = 1\n", "write [tier.NAME]"},
    };
    for (const auto& [toml, wanted] : rows) {
        CAPTURE(toml);
        const auto result = load(toml + least);
        CHECK_FALSE(result.ok());
        REQUIRE_FALSE(result.findings.empty());
        CHECK_THAT(result.findings[0].problem, Catch::Contains(wanted));
    }
}

TEST_CASE("a fault found later can be shown at its place in the file") {
    const std::string toml = "[[tls.certificate]]\ncert = \"/a\"\nkey = \"/b\"\n" + least +
                             "proxy_from = [\"192.0.2.1\",\n  \"192.0.2.2\"]\n";
    const auto at = [&](std::string_view key) {
        const auto found = locate(toml, "x.toml", key);
        CHECK(found.key == key);
        CHECK(found.file == "x.toml");
        return std::pair{found.line, found.column};
    };
    using place = std::pair<std::uint32_t, std::uint32_t>;
    CHECK(at("tls.certificate[0].cert") == place{2, 8});
    CHECK(at("tls.certificate[0].key") == place{3, 7});
    CHECK(at("listener[0].proxy_from[1]") == place{8, 3});
    CHECK(at("listener[0]") == place{4, 1});
    for (const auto* absent :
         {"tls.certificate[1].cert", "server.state_dir", "", "listener[", "listener[0", "listener[]",
          "listener[-1]", "listener[99999999999999999999]", "listener.name", "..", "[0]", "."}) {
        CHECK(at(absent) == place{0, 0});
    }
    CHECK(locate("not toml", "x.toml", "server.user").line == 0);
    CHECK(locate(std::string(100, '.') + toml, "x.toml", "listener").line == 0);
}

TEST_CASE("a finding of the whole file has no line, and a warning says that it is one") {
    const finding syntax{finding::weight::error, "f", 3, 4, "", "odd"};
    const finding file{finding::weight::error, "f", 0, 0, "", "odd"};
    const finding warning{finding::weight::warning, "f", 3, 4, "a.b", "odd"};
    CHECK(syntax.to_string() == "f:3:4: odd");
    CHECK(file.to_string() == "f: odd");
    CHECK(warning.to_string() == "f:3:4: a.b: warning: odd");
}

TEST_CASE("a configuration that isn't a readable file of a sane size is told without reading it through") {
    const temporary_folder folder;
    const auto missing = folder.file("missing.toml");
    CHECK(lines(load_file(missing)) ==
          std::vector<std::string>{missing + ": can't be opened: No such file or directory"});
    CHECK(lines(load_file(folder.file(""))) ==
          std::vector<std::string>{folder.file("") + ": is a folder; name the file in it"});

    const auto pipe = folder.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(lines(load_file(pipe)) == std::vector<std::string>{pipe + ": is not a regular file; name one"});

    const auto large = folder.file("large.toml");
    write(large, least + std::string(config_file_max, '#'));
    CHECK(lines(load_file(large)) ==
          std::vector<std::string>{large + ": is larger than 1048576 octets; a configuration is not"});
    write(large, least + "#" + std::string(config_file_max - least.size() - 1, '#'));
    CHECK(load_file(large).ok());

    const auto sparse = folder.file("sparse.toml");
    write(sparse, "");
    std::filesystem::resize_file(sparse, std::uintmax_t{1} << 40);
    CHECK_FALSE(load_file(sparse).ok());

    const auto unreadable = folder.file("unreadable.toml");
    write(unreadable, least);
    REQUIRE(::chmod(unreadable.c_str(), 0) == 0);
    if (::geteuid() != 0) {
        CHECK(lines(load_file(unreadable)) ==
              std::vector<std::string>{unreadable + ": can't be opened: Permission denied"});
    }
}

TEST_CASE("the same file loads from disk as from memory") {
    const temporary_folder folder;
    const auto path = folder.file("p.toml");
    write(path, least);
    const auto from_disk = load_file(path, {"machine.example"});
    REQUIRE(from_disk.ok());
    CHECK(*from_disk.snapshot == *load(least).snapshot);
    CHECK_FALSE(machine_defaults().hostname.empty());
}

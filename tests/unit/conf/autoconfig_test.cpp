#include "conf/load.hpp"
#include "conf/settings.hpp"

#include <catch2/catch.hpp>

using namespace postern::conf;

namespace {

const std::string least = "[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:2525\"\n";
loaded load(const std::string& toml) { return load_text(least + toml, "x.toml", {"machine.example"}); }

} // namespace

TEST_CASE("what [autoconfig] says is read, placeholders and all") {
    const auto result = load("[autoconfig]\nhost = \"{domain--}.MX.example.net\"\n"
                             "imap = \"imap.{domain}:143\"\npop3 = \"pop.example.net:995\"\n"
                             "name = \"Pošta & spol.\"\nweb_host = \"www.example.net\"\n");
    for (const auto& one : result.findings) UNSCOPED_INFO(one.to_string());
    REQUIRE(result.ok());
    const auto& read = result.snapshot->autoconfig;
    CHECK(read == autoconfig_settings{"{domain--}.mx.example.net", "imap.{domain}:143", "pop.example.net:995",
                                      "Pošta & spol.", "www.example.net"});
    CHECK(parse_mail_server(read.imap)->host == "imap.{domain}");
    CHECK(parse_mail_server(read.imap)->port == 143);
}

TEST_CASE("without a word about mail clients nothing is made up") {
    const auto result = load("");
    REQUIRE(result.ok());
    CHECK(result.snapshot->autoconfig == autoconfig_settings{});
}

TEST_CASE("what is wrong in [autoconfig] is said with its cure") {
    const auto row = GENERATE(values<std::pair<std::string, std::string>>({
        {"host = \"{local}.example.net\"", "is not a host name"},
        {"host = \"{domain-}.example.net\"", "is not a host name"},
        {"host = \"a b\"", "is not a host name"},
        {"host = \"192.0.2.1\"", "is not a host name"},
        {"host = \"mail.example.net:465\"", "is not a host name"},
        {"imap = \"imap.example.net\"", "is not a host with a port"},
        {"imap = \"imap.example.net:0\"", "is not a host with a port"},
        {"imap = \"imap.example.net:65536\"", "is not a host with a port"},
        {"pop3 = \":995\"", "is not a host with a port"},
        {"name = \"" + std::string(101, 'a') + "\"", "is not a name to show"},
        {"web_host = \"{domain}\"", "is not a domain"},
    }));
    CAPTURE(row.first);
    const auto result = load("[autoconfig]\n" + row.first + "\n");
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.findings.front().to_string(), Catch::Contains(row.second));
}

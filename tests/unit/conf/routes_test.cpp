#include "conf/load.hpp"

#include <catch2/catch.hpp>

using namespace postern::conf;

namespace {

const std::string least = "[[listener]]\nname = \"mx\"\naddress = \"127.0.0.1:2525\"\n";
loaded load(const std::string& toml) { return load_text(toml, "x.toml", {"machine.example"}); }

} // namespace

TEST_CASE("routes are found by the canonical domain") {
    const auto result = load(least + "[relay]\nport = 25\nsmarthost = \"\"\ntls = \"dane\"\n[relay.route]\n"
                                     "\"b.test\" = \"[2001:db8::1]:2525\"\n\"Bücher.example\" = "
                                     "\"192.0.2.8:25\"\n\"A.test\" = \"192.0.2.7:25\"\n");
    REQUIRE(result.ok());
    CHECK(result.findings.empty());
    const auto& read = *result.snapshot;
    REQUIRE(find_route(read, "a.test") != nullptr);
    CHECK(find_route(read, "a.test")->next_hop.to_string() == "192.0.2.7:25");
    REQUIRE(find_route(read, "b.test") != nullptr);
    CHECK(find_route(read, "b.test")->next_hop.to_string() == "[2001:db8::1]:2525");
    REQUIRE(find_route(read, "xn--bcher-kva.example") != nullptr);
    CHECK(find_route(read, "test") == nullptr);
    CHECK(find_route(read, "z.test") == nullptr);
    CHECK(find_route(read, "") == nullptr);
}

TEST_CASE("a route leads to an address, to a host, or along the domain's MX records") {
    using kind = relay_hop::kind;
    const auto result = load(least + "[relay]\nport = 2525\n[relay.route]\n\"a.test\" = \"192.0.2.7:25\"\n"
                                     "\"b.test\" = \"MX1.Example.net:26\"\n\"c.test\" = \"mx\"\n");
    REQUIRE(result.ok());
    const std::tuple<const char*, kind, const char*, int> rows[] = {
        {"a.test", kind::address, "192.0.2.7:25", 25},
        {"b.test", kind::host, "mx1.example.net:26", 26},
        {"c.test", kind::mx, "mx:c.test", 2525},
    };
    for (const auto& [domain, what, text, port] : rows) {
        CAPTURE(domain);
        const auto& hop = find_route(*result.snapshot, domain)->next_hop;
        CHECK(hop.what == what);
        CHECK(hop.to_string() == text);
        CHECK(hop.address.port == port);
    }
}

TEST_CASE("a secondary listener loads") {
    const auto result = load(least + "role = \"secondary\"\n");
    REQUIRE(result.ok());
    CHECK(result.snapshot->listeners[0].role == listener_role::secondary);
}

TEST_CASE("a smarthost is an address or a host with its port") {
    const auto by_name = load("[relay]\nsmarthost = \"relay.example.net:587\"\ntls = \"off\"\n" + least);
    REQUIRE(by_name.ok());
    CHECK(by_name.snapshot->relay.smart_hop->to_string() == "relay.example.net:587");
    CHECK(by_name.snapshot->relay.tls == relay_tls::off);
    const auto none = load("[relay]\nsmarthost = \"\"\n" + least);
    REQUIRE(none.ok());
    CHECK(!none.snapshot->relay.smart_hop);
    CHECK(none.snapshot->relay.tls == relay_tls::dane);
    for (const auto* wrong : {"mx", "relay.example.net", "192.0.2.7"})
        CHECK(!load(std::string("[relay]\nsmarthost = \"") + wrong + "\"\n" + least).ok());
    CHECK(!load("[relay]\nsmarthost = \"127.0.0.1:2525\"\n[[listener]]\nname = \"a\"\naddress = "
                "\"127.0.0.1:2525\"\n")
               .ok());
}

TEST_CASE("a login at the smarthost needs a name, a password and a server that can prove who it is") {
    const std::string user = "smarthost_user = \"u@example.net\"\n",
                      file = "smarthost_password_file = \"/etc/postern/secret\"\n",
                      by_name = "smarthost = \"relay.example.net:587\"\n",
                      by_address = "smarthost = \"192.0.2.7:587\"\n";
    const auto whole = load("[relay]\n" + by_name + user + file + least);
    REQUIRE(whole.ok());
    CHECK(whole.snapshot->relay.smarthost_user == "u@example.net");
    CHECK(whole.snapshot->relay.smarthost_password_file == "/etc/postern/secret");
    for (const auto& wrong : {by_name + user, by_name + file, user + file, by_address + user + file,
                              by_name + file + "smarthost_user = \"two words\"\n"}) {
        CAPTURE(wrong);
        CHECK_FALSE(load("[relay]\n" + wrong + least).ok());
    }
}

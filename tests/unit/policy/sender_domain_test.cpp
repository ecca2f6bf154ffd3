// Test 2: domains that take mail, that don't, that lead nowhere, and DNS in trouble.
#include "policy/reachable.hpp"
#include "tests/support/policy_world.hpp"

using namespace postern;
using protocol::dns_type;

namespace {

struct world : testing::policy_world {
    world() : policy_world("[spf]\nmode = \"off\"\n") { from("a@x.test"); }
    std::string said() { return reply_line(session().with).substr(0, 10); }
};

} // namespace

TEST_CASE("a domain takes mail by its MX, or by its address") {
    world w;
    SECTION("an MX with an address") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.a("mx.x.test", "192.0.2.7");
    }
    SECTION("an MX with IPv6 only") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.aaaa("mx.x.test", "2001:db8::7");
    }
    SECTION("the second MX is enough") {
        w.dns.mx("x.test", 10, "gone.x.test");
        w.dns.mx("x.test", 20, "mx.x.test");
        w.dns.a("mx.x.test", "192.0.2.7");
    }
    SECTION("no MX, an address") { w.dns.a("x.test", "192.0.2.7"); }
    SECTION("no MX, an IPv6 address") { w.dns.aaaa("x.test", "2001:db8::7"); }
    SECTION("a null MX beside a real one is a mistake, and the real one counts") {
        w.dns.mx("x.test", 0, ".");
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.a("mx.x.test", "192.0.2.7");
    }
    SECTION("one of two hosts can't be looked up") {
        w.dns.mx("x.test", 10, "slow.x.test");
        w.dns.mx("x.test", 20, "mx.x.test");
        w.dns.fails("slow.x.test", dns_type::a);
        w.dns.a("mx.x.test", "192.0.2.7");
    }
    CHECK(w.session().passed());
}

TEST_CASE("a domain that no mail can reach is refused") {
    world w;
    SECTION("there is none") { w.dns.no_such_name("x.test"); }
    SECTION("it has neither MX nor address") {}
    SECTION("its MX has no address") { w.dns.mx("x.test", 10, "mx.x.test"); }
    SECTION("its MX is this machine") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.a("mx.x.test", "127.0.0.1");
    }
    SECTION("its MX is in a private network") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.a("mx.x.test", "10.1.2.3");
        w.dns.aaaa("mx.x.test", "fe80::1");
    }
    SECTION("its MX is this machine by its name in the network, where nobody knows the domain") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.a("mx.x.test", "192.0.2.254");
    }
    SECTION("its address is") { w.dns.a("x.test", "192.168.1.1"); }
    CHECK(w.said() == "550 5.1.8 ");
}

TEST_CASE("a null MX has a code of its own") {
    world w;
    w.dns.mx("x.test", 0, ".");
    w.dns.a("x.test", "192.0.2.7"); // doesn't count then (RFC 7505)
    CHECK(w.said() == "550 5.7.27");
}

TEST_CASE("trouble with DNS defers") {
    world w;
    SECTION("of the MX") { w.dns.fails("x.test", dns_type::mx); }
    SECTION("of the address") { w.dns.fails("x.test", dns_type::a); }
    SECTION("of the only MX's address") {
        w.dns.mx("x.test", 10, "mx.x.test");
        w.dns.fails("mx.x.test", dns_type::aaaa);
    }
    const auto said = w.session();
    CHECK(reply_line(said.with).starts_with("451 4.4.3 "));
    CHECK(said.what == policy::verdict::kind::defer);
    CHECK(said.cause.find("no answer in time") != std::string::npos);
}

TEST_CASE("bounces, address literals and our own domains are not looked up") {
    world w;
    w.from(GENERATE("", "a@[192.0.2.1]", "a@d.test"));
    CHECK(w.session().passed());
}

TEST_CASE("what no mail can be sent to") {
    for (const auto* text : {"0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.31.0.1",
                             "192.168.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fd12::1",
                             "fe80::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1"}) {
        INFO(text);
        CHECK_FALSE(policy::is_reachable(*protocol::ip_address::parse(text)));
    }
    for (const auto* text : {"1.1.1.1", "9.255.255.255", "11.0.0.1", "172.32.0.1", "192.0.2.1",
                             "223.255.255.255", "2001:db8::1", "2a00::1", "64:ff9b::192.0.2.1"}) {
        INFO(text);
        CHECK(policy::is_reachable(*protocol::ip_address::parse(text)));
    }
}

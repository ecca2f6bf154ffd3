// An allow rule about host names was taken for absent when the client's name couldn't be looked up: trouble
// with DNS became a refusal by the tests that the rule skips.
#include "tests/support/policy_world.hpp"

using namespace postern;
using storage::kept_action;

namespace {

constexpr const char* pointer = "1.2.0.192.in-addr.arpa";

struct world : testing::policy_world {
    explicit world(const std::string& toml = {})
        : policy_world("tier = \"d\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n" + toml) {
        dns.fails(pointer, protocol::dns_type::ptr);
    }
};

} // namespace

TEST_CASE("what an allow rule about names may skip defers while the name can't be looked up") {
    world w;
    w.rule(kept_action::allow, "*.c.test");
    CHECK(w.session().passed());
    SECTION("a blocklist") { w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2"); }
    SECTION("the sender's domain") { w.from("a@nowhere.test"); }
    SECTION("SPF") { w.dns.txt("s.test", "v=spf1 -all"); }
    SECTION("a deny rule, which allow would beat") { w.rule(kept_action::deny, "a@s.test"); }
    const auto said = w.session();
    CHECK(reply_line(said.with).starts_with("451 4.3.0 "));
    CHECK(said.cause.find("can't be looked up") != std::string::npos);
    // Its name found, the rule decides.
    world other;
    other.rule(kept_action::allow, "192.0.2.1");
    CHECK(other.session().passed());
}

TEST_CASE("the proof of the name may be what can't be looked up") {
    testing::policy_world w;
    w.dns.ptr("192.0.2.1", "out.c.test");
    w.dns.fails("out.c.test", protocol::dns_type::a);
    w.rule(kept_action::allow, "*.c.test", "u@d.test");
    w.dns.txt("s.test", "v=spf1 -all");
    CHECK(w.session().with.code == 451);
}

TEST_CASE(
    "trouble with the name changes nothing where no allow rule is about names, or the test is another") {
    world w;
    w.rule(kept_action::deny, "*.c.test");
    CHECK(w.session("nobody@d.test").with.code == 550);
    w.dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
    CHECK(w.session().with.code == 553);
    world v("[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n");
    v.rule(kept_action::allow, "*.c.test");
    CHECK(v.session("nobody@d.test").with.code == 550); // test 3 is skipped by no rule
}

TEST_CASE("a client that has no name is refused as ever") {
    testing::policy_world w;
    w.rule(kept_action::allow, "*.c.test");
    w.dns.txt("s.test", "v=spf1 -all");
    CHECK(w.session().with.code == 550);
}

// Rules as a check: scopes, names that are proved and not, tables in trouble, and rules that change.
#include "tests/support/policy_world.hpp"

using namespace postern;
using storage::kept_action;

namespace {

struct world : testing::policy_world {
    world() : policy_world("[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n") {}
};

} // namespace

TEST_CASE("a mailbox's deny is its own, the server's is everybody's") {
    world w;
    w.add("v@d.test");
    w.rule(kept_action::deny, "*@s.test", "u@d.test");
    const auto said = w.session("U@D.test");
    CHECK(reply_line(said.with).starts_with("550 5.7.1 <"));
    CHECK(said.check == "rule");
    CHECK(said.cause == "the mailbox's rule *@s.test");
    CHECK(said.with.text.find("*@s.test") == std::string::npos); // whose rule it is stays with us
    CHECK(w.session("v@d.test").passed());
    w.rule(kept_action::deny, "192.0.2.0/24");
    CHECK(w.session("v@d.test").cause == "the server's rule 192.0.2.0/24");
}

TEST_CASE("allow beats deny, whosever it is") {
    world w;
    w.rule(kept_action::deny, "192.0.2.1");
    w.rule(kept_action::allow, "a@s.test", "u@d.test");
    CHECK(w.session().passed());
    CHECK(w.of("rule")->said.cause == "the mailbox's rule a@s.test");
}

TEST_CASE("a rule that is added or removed counts from the next recipient on") {
    world w;
    CHECK(w.session().passed());
    w.rule(kept_action::deny, "a@s.test");
    CHECK_FALSE(w.session().passed());
    CHECK(w.rules.remove("", "a@s.test").value());
    CHECK(w.session().passed());
}

TEST_CASE("a client's name counts for deny, and for allow only when it resolves back") {
    world w;
    w.dns.ptr("192.0.2.1", "out.c.test");
    SECTION("deny") {
        w.rule(kept_action::deny, "*.c.test");
        CHECK_FALSE(w.session().passed());
    }
    SECTION("allow, unproved") {
        w.rule(kept_action::allow, "*.c.test");
        w.rule(kept_action::deny, "192.0.2.1");
        CHECK_FALSE(w.session().passed());
    }
    SECTION("allow, proved") {
        w.dns.a("out.c.test", "192.0.2.1");
        w.rule(kept_action::allow, "*.c.test");
        w.rule(kept_action::deny, "192.0.2.1");
        CHECK(w.session().passed());
    }
    SECTION("the name that is proved is the one that counts") {
        w.dns.ptr("192.0.2.1", "true.c.test");
        w.dns.a("true.c.test", "192.0.2.1");
        w.rule(kept_action::deny, "out.c.test");
        CHECK(w.session().passed());
        w.rule(kept_action::deny, "true.c.test");
        CHECK_FALSE(w.session().passed());
    }
    SECTION("names that can't be looked up match nothing") {
        w.dns.fails("1.2.0.192.in-addr.arpa", protocol::dns_type::ptr);
        w.rule(kept_action::deny, "*.c.test");
        CHECK(w.session().passed());
    }
}

TEST_CASE("nobody is asked for names when no rule is about them") {
    world w;
    w.rule(kept_action::deny, "b@s.test");
    CHECK(w.session().passed());
    CHECK(w.dns.asked.empty());
}

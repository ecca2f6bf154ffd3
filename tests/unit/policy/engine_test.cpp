// The engine: the first refusal in the order of PRODUCT is the verdict, modes, what an allow rule and
// postmaster skip, one tier a transaction, and look-ups side by side.
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::judgement;
using policy::stage;
using storage::kept_action;
using testing::policy_world;

namespace {

constexpr const char* one_zone = "tier = \"d\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n";

// Everything is wrong with it, but for what a test takes away.
struct bad_world : policy_world {
    explicit bad_world(const std::string& toml = {}) : policy_world(one_zone + toml) {
        dns.listed("192.0.2.1", "bl.test", "127.0.0.2");
        dns.no_such_name("gone.test");
        from("a@gone.test");
        dns.txt("gone.test", "v=spf1 -all");
        rule(kept_action::deny, "*@gone.test");
    }
};

} // namespace

TEST_CASE("of several refusals the first in the order is said") {
    bad_world w;
    CHECK(w.session("nobody@d.test").check == "rule");
    w.rules.remove_all("").value();
    CHECK(w.session("nobody@d.test").with.code == 553);
    CHECK(w.of("dnsbl") != nullptr);
    CHECK(w.of("sender_domain") == nullptr); // not asked any more
    w.config = testing::config_of("tier = \"c\"\n[[dnsbl.zone]]\nname = \"bl.test\"\n");
    w.listener.tier = "c";
    CHECK(reply_line(w.session("nobody@d.test").with).starts_with("550 5.1.8 "));
    w.from("a@s.test");
    w.dns.txt("s.test", "v=spf1 -all");
    CHECK(reply_line(w.session("nobody@d.test").with).starts_with("550 5.1.1 "));
    CHECK(reply_line(w.session().with).starts_with("550 5.7.23 "));
    w.from("");
    CHECK(w.session().passed());
}

TEST_CASE("report says what enforce would have refused, and goes on; off doesn't look") {
    bad_world w("[dnsbl]\nmode = \"report\"\n[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"report\"\n");
    w.rules.remove_all("").value();
    CHECK(w.session().passed());
    REQUIRE(w.of("dnsbl") != nullptr);
    CHECK(w.of("dnsbl")->as == judgement::use::reported);
    CHECK(w.of("dnsbl")->said.with.code == 553);
    CHECK(w.of("sender_domain")->as == judgement::use::skipped);
    CHECK(w.of("spf")->as == judgement::use::reported);
    REQUIRE(w.learned.reports.size() == 2);
    CHECK(w.learned.reports[0] == "dnsbl would have said 553 5.7.1");
    w.add("v@d.test");
    CHECK(w.judge(stage::rcpt, "v@d.test").passed());
    CHECK(w.learned.reports.size() == 2); // once for all recipients
    CHECK(w.learned.recipients.size() == 2);
    for (const auto& one : w.dns.asked)
        CHECK(one.find("gone.test 15") == std::string::npos); // no MX was asked for
}

TEST_CASE("before its day a test reports, from its day on it enforces") {
    bad_world w(
        "[dnsbl]\nenforce_from = 2026-03-01\n[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n");
    w.rules.remove_all("").value();
    w.today = std::chrono::year{2026} / 2 / 28;
    CHECK(w.session().passed());
    CHECK(w.of("dnsbl")->as == judgement::use::reported);
    w.today = std::chrono::year{2026} / 3 / 1;
    CHECK(w.session().with.code == 553);
    SECTION("a mode that isn't enforce stays what it is") {
        conf::test_settings test;
        test.enforce_from = std::chrono::year{2026} / 3 / 1;
        test.mode = conf::test_mode::off;
        CHECK(policy::mode_on(test, w.today) == conf::test_mode::off);
        test.mode = conf::test_mode::report;
        CHECK(policy::mode_on(test, w.today) == conf::test_mode::report);
    }
}

TEST_CASE("allow skips the tests about the sender and the client, never the recipient's") {
    bad_world w;
    w.rule(kept_action::allow, "192.0.2.1");
    CHECK(w.session().passed());
    for (const auto* skipped : {"dnsbl", "sender_domain", "greylist", "spf"}) {
        INFO(skipped);
        REQUIRE(w.of(skipped) != nullptr);
        CHECK(w.of(skipped)->as == judgement::use::skipped);
    }
    CHECK(w.session("nobody@d.test").with.code == 550);
    w.rooms.answers.emplace("full@d.test", testing::room(false));
    w.add("full@d.test", 10);
    CHECK(w.session("full@d.test").with.code == 552);
}

TEST_CASE("postmaster hears from everybody") {
    bad_world w;
    w.add("postmaster@mx.d.test");
    CHECK(w.session("Postmaster@d.test").passed());
    CHECK_FALSE(w.session().passed());
}

TEST_CASE("one transaction has one tier: the first recipient's") {
    policy_world w("tier = \"a\"\n[tier.x]\n[spf]\nmode = \"off\"\n");
    REQUIRE(w.accounts.put_domain({"other.test", "x", ""}));
    REQUIRE(w.accounts.put_domain({"same.test", "a", ""}));
    w.add("u@other.test");
    w.add("u@same.test");
    CHECK(w.session().passed());
    CHECK(w.learned.tier == "a");
    CHECK(w.judge(stage::rcpt, "u@same.test").passed());
    const auto said = w.judge(stage::rcpt, "u@other.test");
    CHECK(reply_line(said.with).starts_with("452 4.5.3 "));
    CHECK(w.learned.recipients.size() == 2);
    w.learned = {};
    CHECK(w.judge(stage::rcpt, "u@other.test").passed());
    CHECK(w.judge(stage::rcpt, "u@d.test").with.code == 452);
}

TEST_CASE("a domain's tier decides about the lists, and beats the listener's") {
    bad_world w("[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n");
    w.rules.remove_all("").value();
    REQUIRE(w.accounts.put_domain({"soft.test", "a", ""}));
    w.add("u@soft.test");
    CHECK(w.session("u@soft.test").passed());
    CHECK(w.session("u@d.test").with.code == 553);
}

TEST_CASE("a refused recipient is not among the transaction's") {
    policy_world w;
    w.dns.txt("s.test", "v=spf1 -all");
    CHECK(w.session().with.enhanced == protocol::enhanced_code{5, 7, 23});
    CHECK(w.learned.recipients.empty());
}

TEST_CASE("look-ups take the time of the longest chain, not of their sum") {
    policy_world w("tier = \"d\"\n[[dnsbl.zone]]\nname = \"l1.test\"\n[[dnsbl.zone]]\nname = "
                   "\"l2.test\"\n[[dnsbl.zone]]\nname = "
                   "\"l3.test\"\n");
    w.dns.txt("s.test", "v=spf1 include:i1.test include:i2.test include:i3.test a mx -all");
    for (const auto* one : {"i1.test", "i2.test", "i3.test"})
        w.dns.txt(one, "v=spf1 ip4:198.51.100.0/24 -all");
    w.dns.a("s.test", "192.0.2.1");
    w.dns.delay = std::chrono::milliseconds(40);
    const auto began = std::chrono::steady_clock::now();
    CHECK(w.session().passed());
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(w.dns.asked.size() >= 10);
    CHECK(took >= 2 * w.dns.delay);
    CHECK(took < 5 * w.dns.delay); // one by one it would be ten and more
}

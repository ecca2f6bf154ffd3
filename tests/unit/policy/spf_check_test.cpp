// Test 5 as a check: each result's reply, and what the evaluator gets from DNS. The evaluator's own cases
// stand in tests/unit/protocol/spf.
#include "tests/support/policy_world.hpp"

using namespace postern;
using protocol::spf::outcome;

namespace {

struct world : testing::policy_world {
    explicit world(const std::string& toml = {}) : policy_world("[sender_domain]\nmode = \"off\"\n" + toml) {}
    std::string said(const std::string& record) {
        dns.txt("s.test", record);
        return reply_line(session().with);
    }
};

} // namespace

TEST_CASE("each result of SPF has its answer") {
    world w;
    SECTION("fail") {
        const auto line = w.said("v=spf1 -all");
        CHECK(line.starts_with("550 5.7.23 <a@s.test>: Sender address rejected: SPF fail: "));
    }
    SECTION("softfail") {
        REQUIRE(w.said("v=spf1 ~all").starts_with("250"));
        CHECK(w.learned.spf_result->result == outcome::softfail);
        CHECK(w.of("spf")->said.cause == "softfail");
    }
    SECTION("none") {
        CHECK(w.session().passed());
        CHECK(w.learned.spf_result->result == outcome::none);
    }
    SECTION("pass by a mechanism that needs more names") {
        w.dns.mx("s.test", 5, "out.s.test");
        w.dns.a("out.s.test", "192.0.2.1");
        w.dns.txt("s.test", "v=spf1 mx -all");
        CHECK(w.session().passed());
        CHECK(w.learned.spf_result->result == outcome::pass);
        CHECK(w.learned.spf_result->mechanism == "mx");
    }
    SECTION("temperror") {
        w.dns.fails("s.test", protocol::dns_type::txt);
        CHECK(reply_line(w.session().with).starts_with("451 4.7.24 "));
    }
    SECTION("permerror is noted") {
        REQUIRE(w.said("v=spf1 nonsense").starts_with("250"));
        CHECK(w.learned.spf_result->result == outcome::permerror);
    }
    SECTION("permerror is refused where so configured") {
        world strict("[spf]\npermerror = \"refuse\"\n");
        CHECK(strict.said("v=spf1 nonsense").starts_with("550 5.7.24 "));
    }
}

TEST_CASE("of a bounce the HELO name is checked") {
    world w;
    w.from("");
    w.dns.txt("c.test", "v=spf1 -all");
    const auto said = w.session();
    CHECK(said.with.enhanced == protocol::enhanced_code{5, 7, 23});
    CHECK(w.learned.spf_result->checked == protocol::spf::identity::helo);
}

TEST_CASE("all recipients of a transaction share one evaluation") {
    world w;
    w.add("v@d.test");
    w.dns.txt("s.test", "v=spf1 +all");
    CHECK(w.session().passed());
    const auto asked = w.dns.asked.size();
    CHECK(w.judge(policy::stage::rcpt, "v@d.test").passed());
    CHECK(w.dns.asked.size() == asked);
}

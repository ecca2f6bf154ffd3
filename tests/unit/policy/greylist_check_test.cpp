// Test 4 as a check: who waits, who doesn't, and to the second how long.
#include "policy/rule.hpp"
#include "tests/support/policy_world.hpp"

using namespace postern;

namespace {

struct world : testing::policy_world {
    explicit world(const std::string& toml = {})
        : policy_world("[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n" + toml) {
        listener.role = conf::listener_role::secondary;
    }
    bool passes_at(std::int64_t second) {
        now = second;
        const auto said = session();
        if (!said.passed()) CHECK(reply_line(said.with).starts_with("451 4.7.1 "));
        return said.passed();
    }
};

constexpr std::int64_t t = 1'800'000'000, minutes = 60, hours = 3600;

} // namespace

TEST_CASE("a stranger comes back after five minutes, and stays known for a day from each pass") {
    world w;
    CHECK_FALSE(w.passes_at(t));
    CHECK_FALSE(w.passes_at(t + 5 * minutes - 1));
    CHECK(w.passes_at(t + 5 * minutes));
    CHECK(w.passes_at(t + 5 * minutes + 24 * hours - 1));
    CHECK(w.passes_at(t + 5 * minutes + 48 * hours - 2));
    CHECK_FALSE(w.passes_at(t + 5 * minutes + 72 * hours - 2));
}

TEST_CASE("a primary doesn't greylist") {
    world w;
    w.listener.role = conf::listener_role::mx;
    CHECK(w.passes_at(t));
}

TEST_CASE("exempt clients, exempt senders and allowed ones don't wait") {
    world w("[greylist]\nexempt_clients = [\"192.0.2.0/28\"]\nexempt_senders = [\"*.cz\"]\n");
    const policy::written_rule rule{policy::rule_action::allow, (*policy::parse_sender_pattern("*.cz")).text};
    w.exempt_senders = policy::rule_set(std::span(&rule, 1));
    SECTION("a client") { CHECK(w.passes_at(t)); }
    w.client = *protocol::ip_address::parse("198.51.100.1");
    SECTION("a stranger waits") { CHECK_FALSE(w.passes_at(t)); }
    SECTION("a sender") {
        w.from("a@firma.cz");
        CHECK(w.passes_at(t));
    }
    SECTION("an allowed one") {
        w.rule(storage::kept_action::allow, "a@s.test");
        CHECK(w.passes_at(t));
    }
}

TEST_CASE("with report nobody waits, and the wait is told") {
    world w("[greylist]\nmode = \"report\"\n");
    CHECK(w.passes_at(t));
    CHECK(w.of("greylist")->as == policy::judgement::use::reported);
}

// On a secondary: what is held for its primary, and whom the primary is asked about.
#include "policy/primary.hpp"
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::stage;
using kind = policy::call_out_answer::kind;

namespace {

struct fake_primary final : policy::call_out {
    std::map<std::string, policy::call_out_answer> answers; // who is not named is for later
    std::vector<policy::call_out_question> asked;
    boost::asio::awaitable<policy::call_out_answer> ask(policy::call_out_question question) override {
        asked.push_back(question);
        const auto found = answers.find(question.recipient);
        co_return found == answers.end() ? policy::call_out_answer{} : found->second;
    }
};

// d.test is hosted and has a primary, p.test has one only, m.test is hosted only.
struct world : testing::policy_world {
    fake_primary primary;
    world()
        : policy_world(
              "role = \"secondary\"\n[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n"
              "[greylist]\nmode = \"off\"\n[relay.route]\n\"d.test\" = \"192.0.2.7:25\"\n\"p.test\" = "
              "\"192.0.2.8:25\"\n") {
        services.primaries = &primary;
        REQUIRE(accounts.put_domain({"m.test", "", ""}));
        REQUIRE(accounts.put_domain({"alias.test", "", "d.test"}));
        add("w@m.test");
        const std::vector<std::string> all{"u@d.test", "w@m.test"};
        REQUIRE(accounts.add_alias("all@m.test", all));
        REQUIRE(accounts.add_alias("team@d.test", all));
    }
    // "u@d.test outside, w@m.test"
    std::string leads_to(const std::string& rcpt) {
        learned = {};
        const auto said = judge(stage::rcpt, rcpt);
        if (!said.passed()) return reply_line(said.with).substr(0, 9);
        std::string text;
        for (const auto& box : learned.recipients.at(0).leads_to)
            text += (text.empty() ? "" : ", ") + box.address + (box.local ? "" : " outside");
        return text;
    }
};

} // namespace

TEST_CASE("mail of a domain with a primary is held for it, as it was addressed") {
    world w;
    CHECK(w.leads_to("U@D.test") == "U@d.test outside");
    CHECK(w.leads_to("team@d.test") == "team@d.test outside");
    CHECK(w.leads_to("u@alias.test") == "u@d.test outside");
    CHECK(w.leads_to("all@m.test") == "u@d.test outside, w@m.test");
    CHECK(w.leads_to("w@m.test") == "w@m.test");
    CHECK(w.leads_to("nobody@d.test") == "550 5.1.1");
    CHECK(w.leads_to("u@elsewhere.test") == "550 5.7.1");
    CHECK(w.primary.asked.empty());
}

TEST_CASE("a primary listener holds nothing") {
    world w;
    w.listener.role = conf::listener_role::mx;
    CHECK(w.leads_to("u@d.test") == "u@d.test");
    CHECK(w.leads_to("u@p.test") == "550 5.7.1");
}

TEST_CASE("only its primary knows who is in a domain that isn't hosted", "[LP-04]") {
    world w;
    w.primary.answers = {{"u@p.test", {kind::taken, ""}},
                         {"nobody@p.test", {kind::unknown, ""}},
                         {"full@p.test", {kind::full, ""}},
                         {"utf8@p.test", {kind::no_utf8, ""}}};
    CHECK(w.leads_to("u@p.test") == "u@p.test outside");
    CHECK(w.leads_to("nobody@p.test") == "550 5.1.1");
    CHECK(w.leads_to("full@p.test") == "552 5.2.2");
    CHECK(w.leads_to("utf8@p.test") == "550 5.6.7");
    CHECK(w.leads_to("other@p.test") == "451 4.4.1");
    REQUIRE(w.primary.asked.size() == 5);
    CHECK(w.primary.asked[0].primary.to_string() == "192.0.2.8:25");
    w.services.primaries = nullptr;
    CHECK(w.leads_to("u@p.test") == "451 4.4.1");
}

TEST_CASE("a deny rule and a table that can't be read come before the primary is asked") {
    world w;
    w.rule(storage::kept_action::deny, "a@s.test");
    CHECK(w.leads_to("u@p.test") == "550 5.7.1");
    CHECK(w.primary.asked.empty());
}

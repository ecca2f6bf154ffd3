// What would be said, by the engine itself, and that saying it changes nothing.
#include "server/explanation.hpp"
#include "tests/support/policy_world.hpp"

using namespace postern;
using namespace postern::server;

namespace {

struct world : testing::policy_world {
    explicit world(const std::string& toml = {}) : policy_world(toml) {}

    explanation explain(const std::string& rcpt = "u@d.test", std::optional<std::string> message = {}) {
        explain_subject about{listener, client, helo, envelope.sender, protocol::parse_address(rcpt).value()};
        about.message = std::move(message);
        about.scanner = content;
        loop.restart();
        auto asking = server::explain(about, config, services, now);
        std::optional<explanation> made;
        boost::asio::co_spawn(loop, std::move(asking),
                              [&](const std::exception_ptr& failure, explanation what) {
                                  if (!failure) made = std::move(what);
                              });
        loop.run();
        REQUIRE(made);
        return *made;
    }
};

using row = std::vector<std::string>; // test, mode, verdict

std::vector<row> rows_of(const explanation& made) {
    std::vector<row> rows;
    for (const auto& one : made.tests)
        rows.push_back({std::string(one.test), std::string(one.mode), std::string(one.verdict)});
    return rows;
}

} // namespace

TEST_CASE("each test of the registry is told, asked or not", "[explain]") {
    world w("[spf]\nmode = \"report\"\n[recipient]\nmode = \"off\"\n");
    w.dns.txt("s.test", "v=spf1 -all");
    const auto made = w.explain();
    CHECK(made.said.passed());
    CHECK(made.tier == "d");
    CHECK(rows_of(made) == std::vector<row>{{"rule", "always", "pass"},
                                            {"dnsbl", "enforce", "pass"},
                                            {"sender_domain", "enforce", "pass"},
                                            {"recipient", "always", "pass"},
                                            {"recipient", "off", "skipped"},
                                            {"greylist", "enforce", "pass"},
                                            {"spf", "report", "reported"},
                                            {"loop", "always", "not reached"},
                                            {"attachments", "enforce", "not reached"},
                                            {"antivirus", "enforce", "not reached"},
                                            {"spam", "enforce", "not reached"}});
    CHECK(made.tests[3].reason == "u@d.test");
    CHECK(made.tests[4].reason == "mode off");
    CHECK(made.tests[5].reason == "no secondary");
    CHECK(made.tests[6].reply.starts_with("550 5.7.23 "));
    CHECK(made.tests[6].reason == "fail");
    CHECK(made.tests[7].reason == "it looks at the message");
}

TEST_CASE("what comes after a refusal is not reached", "[explain]") {
    world w;
    const auto made = w.explain("nobody@d.test");
    CHECK(reply_line(made.said.with).starts_with("550 5.1.1 "));
    CHECK(made.tests[3].verdict == "refuse");
    CHECK(made.tests[3].reply == reply_line(made.said.with));
    for (std::size_t i = 4; i < made.tests.size(); ++i) {
        CHECK(made.tests[i].verdict == "not reached");
        CHECK(made.tests[i].reason == "the recipient is refused before: recipient");
    }
}

TEST_CASE("who is allowed skips tests, and trouble defers", "[explain]") {
    world w;
    w.rule(storage::kept_action::allow, "a@s.test", "u@d.test");
    const auto allowed = w.explain();
    CHECK(allowed.tests[2].verdict == "skipped");
    CHECK(allowed.tests[2].reason == "allowed: the mailbox's rule a@s.test");
    w.accounts.failure = storage::storage_errc::io;
    const auto trouble = w.explain();
    CHECK(trouble.tests[3].verdict == "defer");
}

TEST_CASE("greylisting is looked at, and nobody is known for it", "[explain]") {
    world w;
    w.listener.role = conf::listener_role::secondary;
    const auto greylist_says = [&] { return std::string(w.explain().tests[5].verdict); };
    CHECK(greylist_says() == "defer");
    CHECK(w.greylist.list("", 10).value().empty());
    w.now += 600;
    CHECK(greylist_says() == "defer"); // an attempt would pass now
    CHECK(w.session().what == policy::verdict::kind::defer);
    w.now += 600;
    CHECK(greylist_says() == "pass");
    CHECK_FALSE(w.greylist.list("", 10).value().at(0).entry.last_pass);
}

TEST_CASE("senders and clients that greylisting exempts are exempt here too", "[explain]") {
    world w("[greylist]\nexempt_senders = [\"*.test\"]\n");
    w.listener.role = conf::listener_role::secondary;
    CHECK(w.explain().tests[5].reason == "an exempt sender");
}

TEST_CASE("a listener that takes no mail asks nobody", "[explain]") {
    world w;
    w.listener.role = conf::listener_role::tempfail;
    const auto made = w.explain();
    CHECK(reply_line(made.said.with).starts_with("450 4.3.2 "));
    for (const auto& one : made.tests) {
        CHECK(one.verdict == "not reached");
        CHECK(one.reason == "the listener takes no mail");
    }
}

TEST_CASE("a message is judged by the session first, then by the tests that look at it", "[explain]") {
    world w;
    const auto taken = w.explain("u@d.test", "Subject: x\r\n\r\n");
    CHECK(taken.said.passed());
    const auto rows = rows_of(taken);
    REQUIRE(rows.size() == 12);
    CHECK(rows[7] == row{"message", "always", "pass"});
    CHECK(rows[8] == row{"loop", "always", "pass"});
    CHECK(rows[9] == row{"attachments", "enforce", "pass"});
    CHECK(rows[11] == row{"spam", "enforce", "pass"});
    REQUIRE(taken.message);
    CHECK(taken.message->added.size() == 4);
    const auto looped = w.explain("u@d.test", "Delivered-To: u@d.test\r\n\r\n");
    CHECK(looped.said.check == "loop");
    CHECK(looped.recipient_taken);
    CHECK(looped.message->added.empty());
    const auto bare = w.explain("u@d.test", "x\n");
    CHECK(bare.said.check == "message");
    CHECK(rows_of(bare)[7] == row{"message", "always", "refuse"});
    CHECK(rows_of(bare)[8] == row{"loop", "always", "not reached"});
    CHECK(bare.tests[8].reason == "the message is refused before: message");
    const auto nobody = w.explain("nobody@d.test", "x\n");
    CHECK_FALSE(nobody.recipient_taken);
    CHECK_FALSE(nobody.message);
    CHECK(rows_of(nobody)[7] == row{"message", "always", "not reached"});
}

// The recipient and loop checks against an in-memory directory: what is refused, with which code, and that
// trouble of ours defers.
#include "tests/support/policy_world.hpp"

using namespace postern;
using policy::stage;
using testing::room;

namespace {

result<bool> trouble() {
    return result<bool>(boost::system::in_place_error, make_error_code(storage::storage_errc::io));
}

struct world : testing::policy_world {
    world() : policy_world("[sender_domain]\nmode = \"off\"\n[spf]\nmode = \"off\"\n") {
        add("small@d.test", 1000);
        add("tiny@d.test", 10);
        const std::vector<std::string> both{"small@d.test", "tiny@d.test"}, loop{"b@d.test"},
            back{"a@d.test"};
        REQUIRE(accounts.add_alias("both@d.test", both));
        REQUIRE(accounts.add_alias("a@d.test", loop));
        REQUIRE(accounts.add_alias("b@d.test", back));
    }
};

} // namespace

TEST_CASE("a recipient is accepted with the mailboxes it leads to") {
    world w;
    REQUIRE(w.judge(stage::rcpt, "U@D.test").passed());
    REQUIRE(w.judge(stage::rcpt, "both@d.test").passed());
    REQUIRE(w.learned.recipients.size() == 2);
    CHECK(w.learned.recipients[0].leads_to.at(0).address == "u@d.test");
    CHECK(w.learned.recipients[1].leads_to.size() == 2);
}

TEST_CASE("each refusal of a recipient has its own code and leaves nothing behind") {
    world w;
    w.rooms.answers.emplace("tiny@d.test", room(false));
    const auto [address, code, enhanced] = GENERATE(table<std::string, int, std::string>({
        {"nobody@d.test", 550, "5.1.1"},
        {"u@f.test", 550, "5.7.1"},
        {"tiny@d.test", 552, "5.2.2"},
        {"a@d.test", 554, "5.4.6"},
    }));
    const auto said = w.judge(stage::rcpt, address);
    CHECK(said.what == policy::verdict::kind::reject);
    CHECK(said.with.code == code);
    CHECK(reply_line(said.with).substr(4, 5) == enhanced);
    CHECK(said.with.text.find(address) != std::string::npos);
    CHECK(said.check == "recipient");
    CHECK(w.learned.recipients.empty());
}

TEST_CASE("a table or a file system in trouble defers, never refuses") {
    world w;
    SECTION("the directory") { w.accounts.failure = storage::storage_errc::io; }
    SECTION("the quota") { w.rooms.answers.emplace("small@d.test", trouble()); }
    const auto said = w.judge(stage::rcpt, "small@d.test");
    CHECK(said.what == policy::verdict::kind::defer);
    CHECK(said.with.code == 451);
    CHECK(!said.cause.empty());
}

TEST_CASE("an alias is full only when all its mailboxes are") {
    world w;
    w.rooms.answers.emplace("tiny@d.test", room(false));
    CHECK(w.judge(stage::rcpt, "both@d.test").passed());
    w.rooms.answers.emplace("small@d.test", room(false));
    CHECK(w.judge(stage::rcpt, "both@d.test").with.code == 552);
}

TEST_CASE("a mailbox without a quota is never measured") {
    world w;
    CHECK(w.judge(stage::rcpt, "u@d.test").passed());
    CHECK(w.rooms.asked == 0);
}

TEST_CASE("a message that its recipient has had already is a loop") {
    world w;
    REQUIRE(w.judge(stage::rcpt, "u@d.test").passed());
    SECTION("another address in Delivered-To is no loop") {
        w.header.feed("Delivered-To: v@d.test\r\n\r\n");
        CHECK(w.judge(stage::content).passed());
    }
    SECTION("the same one is, in any case") {
        w.header.feed("Subject: x\r\nDELIVERED-TO:  U@d.TEST \r\n\r\n");
        const auto said = w.judge(stage::content);
        CHECK(said.with.code == 554);
        CHECK(said.with.enhanced == protocol::enhanced_code{5, 4, 6});
        CHECK(said.check == "loop");
    }
    SECTION("written as a path it is one too") {
        w.header.feed("Delivered-To: <u@d.test>\r\n\r\n");
        CHECK(w.judge(stage::content).with.code == 554);
    }
    SECTION("in the body it is text") {
        w.header.feed("Subject: x\r\n\r\nDelivered-To: u@d.test\r\n");
        CHECK(w.judge(stage::content).passed());
    }
}

TEST_CASE("the registry says which stages have checks") {
    using policy::audience;
    for (const auto whom : {audience::servers, audience::people}) {
        CHECK(policy::has_checks(stage::rcpt, whom));
        CHECK(policy::has_checks(stage::content, whom));
        CHECK_FALSE(policy::has_checks(stage::helo, whom));
    }
    CHECK_FALSE(policy::has_checks(stage::connect, audience::people));
}

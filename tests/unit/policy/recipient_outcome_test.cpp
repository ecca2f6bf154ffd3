// Recipients of one message that differ: what is settled of them, what the engine makes of a check that says
// so, and the fields that are found after the data.
#include "policy/recipient_outcome.hpp"
#include "policy/trace_fields.hpp"
#include "storage/queue.hpp"
#include "tests/support/policy_world.hpp"

#include <map>

using namespace postern;
using policy::hears;
using policy::recipient_outcome;
using policy::recipient_outcomes;
using policy::settle;
using policy::stage;
using kind = policy::recipient_outcome::kind;

namespace {

const protocol::reply spam{554, {5, 7, 1}, "spam", false};
const protocol::reply other{550, {5, 7, 1}, "other", false};
const protocol::reply later{451, {4, 3, 0}, "later", false};

recipient_outcome refused(const protocol::reply& with = spam) {
    return recipient_outcome::refuse(with, "why");
}

std::string text(const recipient_outcomes& outcomes) {
    std::string made;
    for (const auto& one : outcomes)
        made += one.what == kind::deliver ? 'd' : one.what == kind::junk ? 'j' : 'r';
    return made;
}

// By the local part of a recipient.
boost::asio::awaitable<policy::verdict> check_by_name(stage, policy::context& about) {
    for (std::size_t i = 0; i < about.learned.outcomes.size(); ++i) {
        const auto& name = about.envelope.recipients[i].mailbox.local;
        if (name.starts_with("r")) about.learned.outcomes[i].add(refused());
        if (name.starts_with("l")) about.learned.outcomes[i].add(refused(later));
        if (name.starts_with("j")) about.learned.outcomes[i].add(recipient_outcome::junk("looks so"));
    }
    about.learned.result_fields.push_back("X-Spam-Status: Yes\r\n");
    co_return policy::verdict::pass();
}

boost::asio::awaitable<policy::verdict> check_all_spam(stage, policy::context& about) {
    for (auto& one : about.learned.outcomes) one.add(refused(other));
    co_return policy::verdict::pass();
}

const conf::test_settings& switched(const conf::config& all) { return all.greylist.test; }

const std::vector<policy::check> by_name{
    {"name", {stage::content}, check_by_name, policy::for_the_allowed::is_skipped, switched}};
const std::vector<policy::check> two{by_name.front(), {"second", {stage::content}, check_all_spam}};

struct message_world : testing::policy_world {
    explicit message_world(std::initializer_list<const char*> to, const std::string& mode = "enforce")
        : policy_world("[greylist]\nmode = \"" + mode + "\"\n") {
        for (const auto* local : to) {
            envelope.recipients.push_back({{local, "d.test"}, 0, {}});
            learned.recipients.emplace_back();
        }
    }
    policy::verdict content(std::span<const policy::check> rows = by_name) {
        return judge(stage::content, {}, rows);
    }
    std::string outcome() const { return text(learned.outcomes); }
};

} // namespace

TEST_CASE("recipients that are of one mind need no settling") {
    recipient_outcomes none;
    CHECK(settle(none, hears::one_answer).passed());
    recipient_outcomes all(3);
    CHECK(settle(all, hears::one_answer).passed());
    CHECK(text(all) == "ddd");
    recipient_outcomes mixed{recipient_outcome::junk(), {}};
    CHECK(settle(mixed, hears::one_answer).passed());
    CHECK(text(mixed) == "jd");
}

TEST_CASE("a message is refused when all its recipients refuse it") {
    recipient_outcomes all{refused(), refused(other)};
    const auto said = settle(all, hears::one_answer);
    CHECK(said.what == policy::verdict::kind::reject);
    CHECK(said.with.text == "spam");
    CHECK(said.cause == "why");
}

TEST_CASE("when they disagree, who would have refused has it in Junk") {
    recipient_outcomes mixed{refused(), {}, recipient_outcome::junk(), refused()};
    CHECK(settle(mixed, hears::one_answer).passed());
    CHECK(text(mixed) == "jdjj");
    CHECK(mixed[0].cause == "why");
    recipient_outcomes with_junk{refused(), recipient_outcome::junk()}; // junk is no refusal
    CHECK(settle(with_junk, hears::one_answer).passed());
    CHECK(text(with_junk) == "jj");
}

TEST_CASE("what one recipient can't decide now puts the message off, never into Junk") {
    for (auto given :
         {recipient_outcomes{refused(), {}, refused(later)}, recipient_outcomes{refused(), refused(later)}}) {
        const auto said = settle(given, hears::one_answer);
        CHECK(said.what == policy::verdict::kind::defer);
        CHECK(said.with.text == "later");
    }
}

TEST_CASE("a client that hears of each recipient hears each one's own") {
    for (const auto& given :
         {recipient_outcomes{refused(), {}, refused(later)}, recipient_outcomes{refused(), refused()}}) {
        auto settled = given;
        CHECK(settle(settled, hears::each_recipients).passed());
        CHECK(text(settled) == text(given));
    }
}

TEST_CASE("of several outcomes the worst counts, of equals the first") {
    recipient_outcome one;
    one.add(recipient_outcome::junk("a"));
    one.add(recipient_outcome::junk("b"));
    CHECK(one.cause == "a");
    one.add(refused());
    one.add(refused(other));
    one.add(recipient_outcome::junk("c"));
    CHECK(one.what == kind::refuse);
    CHECK(one.with.text == "spam");
}

TEST_CASE("what a check says of recipients is settled by the engine, and has its name") {
    message_world w({"r1", "u", "j"});
    CHECK(w.content().passed());
    CHECK(w.outcome() == "jdj");
    CHECK(w.learned.outcomes[0].check == "name");
    CHECK(w.learned.outcomes[1].check.empty());
    message_world all({"r1", "r2"});
    const auto said = all.content();
    CHECK(said.with.text == "spam");
    CHECK(said.check == "name");
    REQUIRE(all.of("name") != nullptr);
    CHECK(all.of("name")->said.with.text == "spam"); // as if it had refused the message
    message_world put_off({"u", "l"});
    CHECK(put_off.content().what == policy::verdict::kind::defer);
}

TEST_CASE("with PRDR each of several recipients keeps its own outcome, a single one has none apart") {
    message_world w({"r1", "u", "l"});
    w.envelope.prdr = true;
    CHECK(w.content().passed());
    CHECK(w.outcome() == "rdr");
    message_world single({"r1"});
    single.envelope.prdr = true;
    CHECK(single.content().with.text == "spam");
}

TEST_CASE("the earlier check's refusal of a recipient counts") {
    message_world w({"r1", "u"});
    w.envelope.prdr = true;
    CHECK(w.content(two).passed());
    CHECK(w.learned.outcomes[0].with.text == "spam");
    CHECK(w.learned.outcomes[0].check == "name");
    CHECK(w.learned.outcomes[1].with.text == "other");
    CHECK(w.learned.outcomes[1].check == "second");
}

TEST_CASE("in mode report what a check says of recipients is told and changes nothing") {
    message_world w({"r1", "u", "j", "r2"}, "report");
    CHECK(w.content().passed());
    CHECK(w.outcome() == "dddd");
    REQUIRE(w.of("name") != nullptr);
    CHECK(w.of("name")->as == policy::judgement::use::reported);
    CHECK(w.of("name")->said.with.code == 554);
    CHECK(w.of("name")->about == std::vector<std::size_t>{0, 3});
    CHECK(w.learned.reports == std::vector<std::string>{"name would have said 554 5.7.1"});
    message_world junk({"j", "u"}, "report");
    CHECK(junk.content().passed());
    CHECK(junk.outcome() == "dd");
    CHECK(junk.of("name")->as == policy::judgement::use::reported);
    CHECK(junk.learned.reports == std::vector<std::string>{"name would have put it into Junk"});
    message_world off({"r1"}, "off");
    CHECK(off.content().passed());
    CHECK(off.of("name")->as == policy::judgement::use::skipped);
}

TEST_CASE("a check that allow rules skip says nothing of whom they hold for") {
    message_world w({"r1", "r2", "u"});
    w.learned.recipients[0].allowed_by = "*@s.test";
    CHECK(w.content().passed());
    CHECK(w.outcome() == "djd");
    message_world all({"r1", "r2"});
    for (auto& one : all.learned.recipients) one.allowed_by = "*@s.test";
    CHECK(all.content().passed());
    CHECK(all.of("name")->as == policy::judgement::use::skipped);
    CHECK(all.outcome() == "dd");
    message_world open({"r1", "r2"}); // whether a rule allows it can't be known
    open.learned.recipients[1].may_be_allowed = true;
    CHECK(open.content().what == policy::verdict::kind::defer);
}

TEST_CASE("the rule that allows a recipient is known to the tests of the content") {
    testing::policy_world w("[spf]\nmode = \"off\"\n");
    w.rule(storage::kept_action::allow, "192.0.2.1");
    CHECK(w.session().passed());
    REQUIRE(w.learned.recipients.size() == 1);
    CHECK(w.learned.recipients[0].allowed_by == "the server's rule 192.0.2.1");
}

TEST_CASE("fields found after the data are those that are not written yet, whole, and not without end") {
    policy::transaction learned;
    learned.reports = {"spf would have said 550 5.7.23", "virus would have said 554 5.7.1"};
    learned.reports_written = 1;
    learned.result_fields = {"X-Spam-Status: No\r\n", "X-Broken: no end", "X-Spam-Report: a\r\n\tb\r\n"};
    CHECK(policy::result_fields(learned) == "X-Postern-Report: virus would have said 554 5.7.1\r\n"
                                            "X-Spam-Status: No\r\nX-Spam-Report: a\r\n\tb\r\n");
    learned.reports.clear();
    learned.reports_written = 0;
    learned.result_fields = {"A: " + std::string(8000, 'x') + "\r\n", "B: " + std::string(300, 'x') + "\r\n",
                             "C: x\r\n"};
    const auto made = policy::result_fields(learned);
    CHECK(made.size() <= storage::result_fields_max);
    CHECK(made.find("B: ") == std::string::npos);
    CHECK(made.ends_with("C: x\r\n"));
}

TEST_CASE("what would end the header or begin another field is no field") {
    for (const auto* good : {"A: b\r\n", "A:\r\n", "X-A: b\r\n c\r\n\td\r\n"})
        CHECK(policy::is_whole_field(good));
    for (const std::string_view bad :
         {"", "\r\n", "A: b", "A b\r\n", ": b\r\n", "A: b\r\nC: d\r\n", "A: b\r\n\r\n", "A: b\n\r\n",
          "A: b\rc\r\n", "A b: c\r\n", " A: b\r\n", "A: \xc3\xbc\r\n", "A: b\r\n\r\n x\r\n"})
        CHECK_FALSE(policy::is_whole_field(bad));
    CHECK_FALSE(policy::is_whole_field(std::string_view("A: \0\r\n", 6)));
}

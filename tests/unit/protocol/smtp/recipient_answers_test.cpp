// Recipients of one message that are answered one by one after the data (draft-hall-prdr-00).
#include "tests/support/session_rig.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace postern::protocol;
using namespace postern::testing;

namespace {

const reply spam{554, {5, 7, 1}, "spam", false};
const reply later{451, {4, 3, 0}, "not now", false};

using answers = std::vector<std::optional<reply>>;

struct seen {
    refused_thing about;
    std::string stage, recipient, candidate, line;
    std::optional<std::size_t> place;
};

struct conversation {
    session_rig rig;
    std::vector<seen> refusals;

    explicit conversation(answers given, session_settings settings = session_rig::default_settings())
        : rig(std::move(settings)) {
        rig.rule = [given = std::move(given)](question_stage at) {
            verdict_answer answer;
            if (at == question_stage::content) answer.of_recipients = given;
            return answer;
        };
        rig.session().observe_refusals([this](const refusal& what) {
            refusals.push_back({what.about, std::string(what.stage), std::string(what.recipient),
                                rig.session().candidate().mailbox.to_string(), reply_line(what.with),
                                what.place});
        });
        rig.start();
        rig.feed("EHLO c.test\r\n");
    }
    std::string message(std::string_view behind = {}) {
        rig.feed("MAIL FROM:<a@s.test> PRDR\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<v@d.test>\r\nRCPT "
                 "TO:<w@d.test>\r\n");
        rig.feed("DATA\r\n");
        return rig.feed("x\r\n.\r\n" + std::string(behind));
    }
};

constexpr std::string_view first_refused = "353 content analysis has started\r\n"
                                           "554 5.7.1 spam\r\n"
                                           "250 2.1.5 <v@d.test>: Ok\r\n"
                                           "451 4.3.0 not now\r\n"
                                           "250 2.0.0 Ok: queued as ID1\r\n";

} // namespace

TEST_CASE("each recipient has its reply in the order of RCPT, then the message has one") {
    conversation with({spam, std::nullopt, later});
    CHECK(with.message() == first_refused);
    REQUIRE(with.rig.messages().size() == 1);
    CHECK(with.rig.messages()[0].recipients == std::vector<std::string>{"v@d.test"});
    CHECK(with.rig.session().messages() == 1);
    CHECK(with.rig.session().errors() == 0);
    CHECK(with.rig.session().current() == server_session::state::ready);
}

TEST_CASE("each refused recipient is observed with its own reply and place") {
    conversation with({spam, std::nullopt, later});
    with.message();
    REQUIRE(with.refusals.size() == 2);
    CHECK(with.refusals[0].about == refused_thing::recipient);
    CHECK(with.refusals[0].stage == "END-OF-MESSAGE");
    CHECK(with.refusals[0].recipient == "u@d.test");
    CHECK(with.refusals[0].candidate == "u@d.test");
    CHECK(with.refusals[0].place == 0U);
    CHECK(with.refusals[0].line == "554 5.7.1 spam");
    CHECK(with.refusals[1].recipient == "w@d.test");
    CHECK(with.refusals[1].candidate == "w@d.test");
    CHECK(with.refusals[1].place == 2U);
}

TEST_CASE("a message whose last chunk came is answered likewise") {
    conversation with({spam, std::nullopt, later});
    with.rig.feed(
        "MAIL FROM:<a@s.test> PRDR\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<v@d.test>\r\nRCPT TO:<w@d.test>\r\n");
    CHECK(with.rig.feed("BDAT 2\r\nx\r") == "250 2.0.0 Ok: 2 octets received\r\n");
    CHECK(with.rig.feed("BDAT 1 LAST\r\n\n") == first_refused);
}

TEST_CASE("nothing is stored when all recipients refuse, and each is told") {
    conversation with({spam, spam, spam});
    CHECK(with.message("NOOP\r\n") ==
          "353 content analysis has started\r\n554 5.7.1 spam\r\n554 5.7.1 spam\r\n"
          "554 5.7.1 spam\r\n554 5.7.1 Refused for all recipients\r\n250 2.0.0 Ok\r\n");
    CHECK(with.rig.commits() == 0);
    CHECK(with.rig.abandoned() == 1);
    CHECK(with.refusals.size() == 3);
    CHECK(with.rig.session().errors() == 1); // the message is one error, however many refuse it
}

TEST_CASE("a message that some may take later is put off as a whole") {
    conversation with({spam, later, spam});
    CHECK(with.message().ends_with("450 4.7.1 Taken for none of the recipients now; try again later\r\n"));
    CHECK(with.rig.commits() == 0);
    CHECK(with.rig.abandoned() == 1);
    CHECK(with.rig.session().errors() == 0);
}

TEST_CASE("no recipient is told 250 when the message could not be stored") {
    conversation with({spam, std::nullopt, std::nullopt});
    with.rig.fails = [](step what, unsigned) { return what == step::commit; };
    CHECK(with.message("NOOP\r\n") == "353 content analysis has started\r\n554 5.7.1 spam\r\n"
                                      "451 4.3.0 The message could not be stored; try again later\r\n"
                                      "451 4.3.0 The message could not be stored; try again later\r\n"
                                      "451 4.3.0 The message could not be stored; try again later\r\n"
                                      "250 2.0.0 Ok\r\n");
    CHECK(with.rig.messages().empty());
    CHECK(with.rig.session().messages() == 0);
    REQUIRE(with.refusals.size() == 3);
    CHECK(with.refusals[2].recipient == "w@d.test");
    CHECK(with.refusals[2].about == refused_thing::recipient);
}

TEST_CASE("no acceptance is said before the message is committed") {
    conversation with({spam, std::nullopt, std::nullopt});
    auto& session = with.rig.session();
    with.rig.feed(
        "MAIL FROM:<a@s.test> PRDR\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<v@d.test>\r\nRCPT TO:<w@d.test>\r\n");
    with.rig.feed("DATA\r\n");
    session.on_input("x\r\n.\r\n");
    REQUIRE(session.next() == step::ask);
    verdict_answer answer;
    answer.of_recipients = {spam, std::nullopt, std::nullopt};
    session.on_verdict(answer);
    REQUIRE(session.next() == step::commit);
    CHECK(session.output() == "353 content analysis has started\r\n");
    CHECK(session.is_refused(0));
    CHECK_FALSE(session.is_refused(1));
    CHECK_FALSE(session.is_refused(3));
}

TEST_CASE("what is pipelined behind the message is answered behind its replies") {
    const std::string next = "MAIL FROM:<b@s.test>\r\nRCPT TO:<u@d.test>\r\nQUIT\r\n";
    const std::string answers_next = "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n221 2.0.0 Bye\r\n";
    conversation with({spam, std::nullopt, later});
    CHECK(with.message(next) == std::string(first_refused) + answers_next);
}

TEST_CASE("a message with answers of its own comes an octet at a time") {
    conversation with({spam, std::nullopt, later});
    std::string received;
    const std::string sent = "MAIL FROM:<a@s.test> PRDR\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<v@d.test>\r\n"
                             "RCPT TO:<w@d.test>\r\nDATA\r\n";
    for (const char c : sent) with.rig.feed({&c, 1});
    for (const char c : std::string("x\r\n.\r\n")) received += with.rig.feed({&c, 1});
    CHECK(received == first_refused);
}

TEST_CASE("a connection that breaks before the replies are out keeps what was committed") {
    conversation with({spam, std::nullopt, std::nullopt});
    bool content = false;
    with.rig.fails = [&](step what, unsigned) {
        content = content || what == step::commit;
        return content && what == step::write;
    };
    with.message();
    CHECK(with.rig.closed());
    CHECK(with.rig.messages().size() == 1);
    CHECK(with.rig.abandoned() == 0);
}

TEST_CASE("answers one by one need several recipients and a client that asked for them") {
    conversation with({});
    CHECK_FALSE(with.rig.session().answers_each());
    with.rig.feed("MAIL FROM:<a@s.test> prdr\r\nRCPT TO:<u@d.test>\r\n");
    CHECK_FALSE(with.rig.session().answers_each());
    with.rig.feed("RCPT TO:<v@d.test>\r\n");
    CHECK(with.rig.session().answers_each());
    with.rig.feed("RSET\r\nMAIL FROM:<a@s.test>\r\nRCPT TO:<u@d.test>\r\nRCPT TO:<v@d.test>\r\n");
    CHECK_FALSE(with.rig.session().answers_each());
}

TEST_CASE("one reply is enough where no recipient is refused, or the whole message is") {
    conversation with({});
    CHECK(with.message() == "250 2.0.0 Ok: queued as ID1\r\n");
    with.rig.rule = [](question_stage at) {
        verdict_answer answer;
        if (at == question_stage::content) answer = {verdict_answer::kind::refuse, spam};
        return answer;
    };
    CHECK(with.message() == "554 5.7.1 spam\r\n");
}

TEST_CASE("PRDR is neither offered nor taken where it is off") {
    auto settings = session_rig::default_settings();
    settings.offer_prdr = false;
    session_rig rig(settings);
    rig.start();
    CHECK(rig.feed("EHLO c.test\r\n").find("PRDR") == std::string::npos);
    CHECK(rig.feed("MAIL FROM:<a@s.test> PRDR\r\n").starts_with("555 5.5.4"));
}

TEST_CASE("the replies of a hundred recipients are written as any output is, and keep their order") {
    const std::string address = "u@" + std::string(60, 'd') + "." + std::string(60, 'e') + ".test";
    for (const bool all : {false, true}) {
        answers given(100, spam);
        for (auto& one : given) one->text = std::string(300, 's');
        if (!all) given[99].reset();
        conversation with(given);
        std::string sent = "MAIL FROM:<a@s.test> PRDR\r\n";
        for (int i = 0; i < 100; ++i) sent += "RCPT TO:<" + address + ">\r\n";
        with.rig.feed(sent);
        with.rig.feed("DATA\r\n");
        const auto received = with.rig.feed("x\r\n.\r\nNOOP\r\n");
        CHECK(received.size() > 3 * session_output_max);
        CHECK(with.rig.largest_output() <= session_output_max + 2 * 512);
        CHECK(received.starts_with("353 "));
        CHECK(std::ranges::count(received, '\n') == 103);
        CHECK(received.ends_with(all ? "554 5.7.1 Refused for all recipients\r\n250 2.0.0 Ok\r\n"
                                     : ": Ok\r\n250 2.0.0 Ok: queued as ID1\r\n250 2.0.0 Ok\r\n"));
        CHECK(with.refusals.size() == (all ? 100 : 99));
        CHECK(with.rig.abandoned() == (all ? 1 : 0));
    }
}

TEST_CASE("a peer that goes away within the replies leaves nothing open") {
    conversation with(answers(100, spam));
    std::string sent = "MAIL FROM:<a@s.test> PRDR\r\n";
    for (int i = 0; i < 100; ++i)
        sent += "RCPT TO:<u@" + std::string(60, 'd') + "." + std::string(60, 'e') + ".test>\r\n";
    with.rig.feed(sent);
    with.rig.feed("DATA\r\n");
    unsigned writes = 0;
    with.rig.fails = [&](step what, unsigned) { return what == step::write && ++writes == 1; };
    with.rig.feed("x\r\n.\r\n");
    CHECK(with.rig.closed());
    CHECK(with.rig.abandoned() == 1);
}

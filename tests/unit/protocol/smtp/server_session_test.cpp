// The session by its table and its limits: each verb in each state, each way to close, what is refused and
// what stays in memory. The failures of the outside world are in server_session_faults_test.cpp.
#include "tests/support/session_rig.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

using namespace postern::protocol;
using namespace postern::tests;
using state = server_session::state;

namespace {

constexpr std::array<state, server_session::state_count> states{
    state::fresh, state::ready, state::mail, state::rcpt, state::chunking, state::refused};

verdict_answer refused_with(std::uint16_t code) {
    return {verdict_answer::kind::refuse, {code, {static_cast<std::uint8_t>(code / 100), 7, 1}, "no", false}};
}

// A session brought into a state.
session_rig in_state(state wanted, session_settings settings = session_rig::default_settings()) {
    session_rig rig(std::move(settings));
    if (wanted == state::refused) rig.rule = [](question_stage) { return refused_with(554); };
    rig.start();
    if (wanted == state::fresh || wanted == state::refused) return rig;
    rig.feed("EHLO c.test\r\n");
    if (wanted == state::ready) return rig;
    rig.feed("MAIL FROM:<a@s.test>\r\n");
    if (wanted == state::mail) return rig;
    rig.feed("RCPT TO:<u@d.test>\r\n");
    if (wanted == state::chunking) rig.feed("BDAT 3\r\nabc");
    return rig;
}

std::string last_code(const std::string& received) {
    const auto line = received.size() < 2 ? std::string::npos : received.rfind("\r\n", received.size() - 3);
    return received.substr(line == std::string::npos ? 0 : line + 2, 3);
}

std::size_t count_of(std::string_view text, std::string_view wanted) {
    std::size_t count = 0;
    for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) ++count;
    return count;
}

session_settings without_budgets() {
    auto made = session_rig::default_settings();
    made.max_errors = made.soft_errors = made.max_junk = 1'000'000;
    return made;
}

} // namespace

TEST_CASE("each verb in each state has the reply of the table") {
    struct row {
        std::string_view sent;
        std::array<std::string_view, server_session::state_count> codes; // in the order of `states`
    };
    constexpr auto rows = std::to_array<row>({
        // fresh, ready, mail, rcpt, chunking, refused
        {"HELO c.test\r\n", {"250", "250", "250", "250", "250", "503"}},
        {"EHLO c.test\r\n", {"250", "250", "250", "250", "250", "503"}},
        {"MAIL FROM:<a@s.test>\r\n", {"503", "250", "503", "503", "503", "503"}},
        {"RCPT TO:<u@d.test>\r\n", {"503", "503", "250", "250", "503", "503"}},
        {"DATA\r\n", {"503", "503", "503", "354", "503", "503"}},
        {"BDAT 3\r\nxyz", {"503", "503", "503", "250", "250", "503"}},
        {"BDAT 3 LAST\r\nxyz", {"503", "503", "503", "250", "250", "503"}},
        {"RSET\r\n", {"250", "250", "250", "250", "250", "503"}},
        {"NOOP\r\n", {"250", "250", "250", "250", "250", "503"}},
        {"VRFY u\r\n", {"252", "252", "252", "252", "503", "503"}},
        {"HELP\r\n", {"214", "214", "214", "214", "503", "503"}},
        {"QUIT\r\n", {"221", "221", "221", "221", "221", "221"}},
        {"STARTTLS\r\n", {"220", "220", "503", "503", "503", "503"}},
        {"AUTH PLAIN\r\n", {"503", "503", "503", "503", "503", "503"}},
        {"ETRN x\r\n", {"502", "502", "502", "502", "502", "503"}},
        {"GET / HTTP/1.1\r\n", {"421", "421", "421", "421", "421", "421"}},
        {"FOO\r\n", {"500", "500", "500", "500", "500", "503"}},
    });
    for (const auto& each : rows) {
        for (std::size_t i = 0; i < states.size(); ++i) {
            auto rig = in_state(states[i]);
            REQUIRE(rig.session().current() == states[i]);
            const auto received = rig.feed(each.sent);
            INFO(each.sent << "in state " << i << ": " << received);
            CHECK(last_code(received) == each.codes[i]);
            CHECK(rig.closed() == (each.codes[i] == "221" || each.codes[i] == "421"));
            CHECK(count_of(received, "queued as") == rig.messages().size());
            if (rig.closed() || each.codes[i] == "354") continue;
            const auto after = rig.feed("NOOP\r\n");
            CHECK(after == (states[i] == state::refused
                                ? "503 5.5.1 No mail is accepted from you here; QUIT\r\n"
                                : "250 2.0.0 Ok\r\n"));
        }
    }
}

TEST_CASE("a verb leads to the state of the table") {
    struct row {
        state from;
        std::string_view sent;
        state to;
    };
    constexpr auto rows = std::to_array<row>({
        {state::fresh, "HELO c\r\n", state::ready},
        {state::fresh, "EHLO\r\n", state::fresh},
        {state::ready, "MAIL FROM:<>\r\n", state::mail},
        {state::ready, "MAIL FROM:<@>\r\n", state::ready},
        {state::mail, "RCPT TO:<x@d.test>\r\n", state::mail},
        {state::mail, "RCPT TO:<u@d.test>\r\n", state::rcpt},
        {state::mail, "RSET\r\n", state::ready},
        {state::rcpt, "RCPT TO:<x@d.test>\r\n", state::rcpt},
        {state::rcpt, "EHLO c\r\n", state::ready},
        {state::rcpt, "VRFY u\r\n", state::rcpt},
        {state::rcpt, "BDAT 1\r\nx", state::chunking},
        {state::rcpt, "BDAT 1 LAST\r\nx", state::ready},
        {state::chunking, "NOOP\r\n", state::chunking},
        {state::chunking, "DATA\r\n", state::chunking},
        {state::chunking, "RSET\r\n", state::ready},
        {state::chunking, "BDAT 1\r\n\n", state::ready}, // a faulty chunk fails the transaction
        {state::fresh, "STARTTLS\r\n", state::fresh},
        {state::ready, "STARTTLS\r\n", state::fresh},
    });
    for (const auto& each : rows) {
        auto rig = in_state(each.from);
        rig.feed(each.sent);
        INFO(each.sent);
        CHECK(rig.session().current() == each.to);
    }
}

TEST_CASE("a transaction that ends in any way leaves nothing for the next") {
    for (const std::string_view ending :
         {"RSET\r\n", "HELO c\r\n", "EHLO c\r\n", "BDAT 1\r\n\n", "BDAT 1 LAST\r\n\n", "BDAT 0 LAST\r\n"}) {
        auto rig = in_state(state::rcpt);
        rig.feed(ending);
        INFO(ending);
        CHECK(last_code(rig.feed("DATA\r\n")) == "503");
        CHECK(last_code(rig.feed("BDAT 2 LAST\r\nx\n")) == "503");
        CHECK(rig.session().transaction().recipients.empty());
        rig.feed("MAIL FROM:<b@s.test>\r\nRCPT TO:<v@d.test>\r\nBDAT 3 LAST\r\nnew");
        CHECK(rig.messages().back().body == "new");
        CHECK(rig.messages().back().recipients == std::vector<std::string>{"v@d.test"});
        CHECK(rig.opened() == rig.commits() + rig.abandoned());
    }
}

TEST_CASE("closing replies end a begun message as abandoned, whoever closes") {
    const auto closings =
        std::to_array<std::string>({"QUIT\r\n", "GET / HTTP/1.1\r\n", "NOOP\n", "NO\rOP\r\n", "BDAT x\r\n",
                                    "EHLO c\r\nNOOP\r\n", std::string(100'000, 'x')});
    for (const auto& sent : closings) {
        auto rig = in_state(state::chunking);
        rig.feed(sent);
        INFO(sent.substr(0, 20));
        CHECK(rig.closed());
        CHECK(rig.abandoned() == 1);
        CHECK(rig.messages().empty());
    }
}

TEST_CASE("a farewell is said in every state, once, and closes") {
    for (const auto in : states) {
        auto rig = in_state(in);
        const auto received = rig.time_out();
        CHECK(received == "421 4.4.2 mx.d.test Timed out waiting for you; closing the connection\r\n");
        CHECK(rig.closed());
        CHECK(rig.opened() == rig.abandoned());
        rig.session().close_with(make_reply(reply_id::shutting_down, {"mx"}));
        CHECK(rig.session().next() == step::close);
        rig.session().on_input("NOOP\r\n");
        CHECK(rig.session().next() == step::close);
    }
}

TEST_CASE("a farewell in the middle of DATA and of a chunk closes and keeps nothing") {
    for (const std::string_view begun : {"DATA\r\n", "BDAT 100\r\nabc"}) {
        auto rig = in_state(state::rcpt);
        rig.feed(begun);
        CHECK(rig.session().reading() == waiting_for::content);
        CHECK(last_code(rig.time_out()) == "421");
        CHECK(rig.closed());
        CHECK(rig.abandoned() == 1);
        CHECK(rig.messages().empty());
    }
}

TEST_CASE("a second farewell is not said behind the first") {
    auto rig = in_state(state::ready);
    rig.session().on_input("QUIT\r\n");
    CHECK(rig.time_out() == "221 2.0.0 Bye\r\n");
    CHECK(rig.closed());
}

TEST_CASE("a farewell before the greeting is the greeting") {
    session_rig rig;
    rig.session().close_with(make_reply(reply_id::too_many_sessions, {"mx.d.test"}));
    CHECK(last_code(rig.start()) == "421");
    CHECK(rig.closed());
}

TEST_CASE("a peer that speaks before the greeting is told 554 and closed") {
    session_rig rig;
    REQUIRE(rig.session().next() == step::ask);
    rig.session().on_early_input();
    CHECK(last_code(rig.start()) == "554");
    CHECK(rig.closed());
}

TEST_CASE("a refused greeting leaves QUIT alone; a temporary one closes") {
    auto rig = in_state(state::refused);
    CHECK(last_code(rig.feed("EHLO c\r\nMAIL FROM:<a@s.test>\r\n")) == "503");
    CHECK(rig.feed("BDAT 6\r\nQUIT\r\n").starts_with("503"));
    CHECK_FALSE(rig.closed());
    CHECK(rig.feed("QUIT\r\n") == "221 2.0.0 Bye\r\n");
    CHECK(rig.closed());
    for (const std::uint16_t code : std::to_array<std::uint16_t>({421, 450, 451})) {
        session_rig temporary;
        temporary.rule = [code](question_stage) { return refused_with(code); };
        CHECK(last_code(temporary.start()) == std::to_string(code));
        CHECK(temporary.closed());
    }
}

TEST_CASE("a refusal at each question has its reply and leaves the session in step") {
    struct row {
        question_stage at;
        state from;
        std::string_view sent;
        state after;
    };
    constexpr auto rows = std::to_array<row>({
        {question_stage::helo, state::fresh, "EHLO c\r\n", state::fresh},
        {question_stage::helo, state::rcpt, "EHLO c\r\n", state::fresh},
        {question_stage::mail, state::ready, "MAIL FROM:<a@s.test>\r\n", state::ready},
        {question_stage::rcpt, state::mail, "RCPT TO:<u@d.test>\r\n", state::mail},
        {question_stage::rcpt, state::rcpt, "RCPT TO:<u@d.test>\r\n", state::rcpt},
        {question_stage::content, state::rcpt, "BDAT 1 LAST\r\nx", state::ready},
        {question_stage::content, state::chunking, "BDAT 1 LAST\r\nx", state::ready},
    });
    for (const auto& each : rows) {
        for (const std::uint16_t code : std::to_array<std::uint16_t>({450, 550, 421})) {
            auto rig = in_state(each.from);
            rig.rule = [&](question_stage asked) {
                auto answer = asked == each.at ? refused_with(code) : verdict_answer{};
                answer.with.close = code == 421;
                return answer;
            };
            INFO(each.sent << code);
            CHECK(last_code(rig.feed(each.sent)) == std::to_string(code));
            CHECK(rig.closed() == (code == 421));
            CHECK(rig.messages().empty());
            CHECK(rig.opened() == rig.abandoned() + (rig.session().current() == state::chunking ? 1 : 0));
            if (rig.closed()) continue;
            CHECK(rig.session().current() == each.after);
            CHECK(rig.feed("NOOP\r\n") == "250 2.0.0 Ok\r\n");
        }
    }
}

TEST_CASE("from soft_errors on each error costs a pause, and the reply waits for it") {
    auto rig = in_state(state::ready);
    for (unsigned i = 1; i < 20; ++i) {
        CHECK(last_code(rig.feed("FOO\r\n")) == "500");
        CHECK(rig.pauses() == (i < 10 ? 0 : i - 9));
    }
    CHECK(last_code(rig.feed("FOO\r\n")) == "421");
    CHECK(rig.closed());
}

TEST_CASE("replies that a peer doesn't read stop the reading of its commands") {
    session_rig rig(without_budgets());
    rig.start();
    std::string flood;
    for (int i = 0; i < 100'000; ++i) flood += "NOOP\r\n";
    CHECK(count_of(rig.feed(flood), "250 2.0.0 Ok\r\n") == 100'000);
    CHECK(rig.largest_output() <= session_output_max + 512);
    auto& session = rig.session(); // nobody writes: nothing more is looked at
    session.on_input(flood);
    CHECK(session.next() == step::write);
    const auto waiting = session.output().size();
    CHECK(session.next() == step::write);
    CHECK(session.output().size() == waiting);
    CHECK(waiting <= session_output_max + 512);
}

TEST_CASE("a large body leaves in blocks and is never held whole") {
    std::string line(1000, 'x');
    line += "\r\n";
    std::string body = "Subject: large\r\n\r\n";
    while (body.size() < 300'000) body += line;
    for (const bool chunked : {false, true}) {
        auto rig = in_state(state::rcpt);
        constexpr std::size_t one_read = 16'384;
        const std::string wire =
            chunked ? "BDAT " + std::to_string(body.size()) + " LAST\r\n" + body : body + ".\r\n";
        if (!chunked) rig.feed("DATA\r\n");
        std::string received;
        for (std::size_t at = 0; at < wire.size(); at += one_read)
            received += rig.feed(std::string_view(wire).substr(at, one_read));
        CHECK(received == "250 2.0.0 Ok: queued as ID1\r\n");
        CHECK(rig.stores() >= 3);
        CHECK(rig.largest_body_held() <= 64 * 1024 + one_read + 512); // and our Received field
        REQUIRE(rig.messages().size() == 1);
        CHECK(rig.messages()[0].body == body);
    }
}

TEST_CASE("content refused already is not held") {
    auto rig = in_state(state::rcpt);
    rig.feed("DATA\r\n");
    rig.feed("bare\n");
    for (int i = 0; i < 70; ++i) rig.feed(std::string(16'384, 'y'));
    CHECK(rig.stores() == 0);
    CHECK(last_code(rig.feed("\r\n.\r\n")) == "552"); // it grew too big as well
}

TEST_CASE("one-octet chunks without end are cut off") {
    auto settings = without_budgets();
    session_rig rig = in_state(state::rcpt, settings);
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += "BDAT 0\r\n";
    std::string received;
    for (std::size_t i = 0; i <= chunks_max / 1000 && !rig.closed(); ++i) received = rig.feed(flood);
    CHECK(last_code(received) == "552");
    CHECK(rig.closed());
    CHECK(rig.abandoned() == 1);
}

TEST_CASE("an idle session is small and keeps nothing of the message it had") {
    CHECK(sizeof(server_session) <= 1200);
    auto rig = in_state(state::rcpt);
    rig.feed("DATA\r\n");
    rig.feed("Subject: x\r\n\r\n" + std::string(60'000, 'b') + "\r\n.\r\n");
    REQUIRE(rig.messages().size() == 1);
    CHECK(rig.session().take_body().capacity() < 64);
    CHECK(rig.session().header().message_id().empty());
    CHECK(rig.session().transaction().recipients.capacity() == 0);
}

TEST_CASE("TLS from the first octet offers no STARTTLS and is in the protocol's name") {
    session_rig rig(session_rig::default_settings(), "TLSv1.3 with cipher X");
    rig.start();
    CHECK(rig.feed("EHLO c\r\n").find("STARTTLS") == std::string::npos);
    CHECK(rig.session().protocol_name() == "ESMTPS");
    CHECK(rig.feed("STARTTLS\r\n").starts_with("503"));
}

TEST_CASE("refusals are reported with their stage and recipient") {
    session_rig rig;
    std::vector<std::string> seen;
    rig.session().observe_refusals([&](const refusal& what) {
        seen.push_back(std::string(what.stage) + " " + std::to_string(what.with.code) + " " +
                       std::string(what.recipient));
    });
    rig.start();
    rig.feed("HELO c\r\n");
    rig.feed("MAIL FROM:<a@s.test>\r\nRCPT TO:<x@d.test>\r\nRCPT TO:<u@d.test>\r\nFOO\r\n");
    rig.feed("BDAT 1 LAST\r\n\n");
    CHECK(seen == std::vector<std::string>{"RCPT 550 x@d.test", "UNKNOWN 500 ", "END-OF-MESSAGE 550 "});
}

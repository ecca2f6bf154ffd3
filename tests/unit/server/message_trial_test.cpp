// A message that nobody sends: refused as a session refuses, with what would be added and left out.
#include "server/message_trial.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::server;

namespace {

trial_subject subject() {
    trial_subject made;
    made.settings.hostname = "mx.d.test";
    made.settings.max_message_size = 200'000;
    made.settings.max_recipients = 1;
    made.settings.max_errors = 20;
    made.settings.soft_errors = 10;
    made.settings.max_junk = 100;
    made.settings.max_received = 3;
    made.settings.max_header_size = 100'000;
    made.settings.body_block = 1000;
    made.client = *protocol::ip_address::parse("192.0.2.1");
    made.helo = "c.test";
    made.sender = protocol::parse_address("a@s.test").value();
    made.recipient = protocol::parse_address("u@d.test").value();
    made.fields = "X-Postern-Report: one\r\nReceived-SPF: pass\r\n\tfolded\r\n";
    made.now = 1'800'000'000;
    return made;
}

const std::string small = "Subject: x\r\n\r\nx\r\n";

} // namespace

TEST_CASE("what is taken waits for the tests, and is told what stands above it") {
    for (const std::size_t body : {0U, 10U, 999U, 1000U, 150'000U}) {
        INFO(body);
        message_trial trial(subject());
        const auto content = small + std::string(body, 'y') + "\r\n";
        REQUIRE(trial.take(content));
        CHECK(trial.size() == content.size());
        CHECK(trial.header().size() == std::string("Subject: x\r\n\r\n").size());
        const auto added = trial.added();
        CHECK(added.starts_with(
            "X-Postern-Report: one\r\nReceived-SPF: pass\r\n\tfolded\r\nReceived: from c.test "));
        CHECK(added.ends_with("\r\n"));
        CHECK(added.find("Subject") == std::string::npos);
    }
}

TEST_CASE("an empty message is one") {
    message_trial trial(subject());
    REQUIRE(trial.take(""));
    CHECK(trial.added().find("Received: ") != std::string::npos);
}

TEST_CASE("what a session refuses is refused with its words") {
    const struct {
        std::string content;
        std::string_view reply;
    } rows[] = {{"x\n", "550 5.5.2"},
                {std::string("x\0\r\n", 4), "550 5.6.0"},
                {std::string(200'001, 'x'), "552 5.3.4"},
                {"Received: x\r\nReceived: x\r\nReceived: x\r\nReceived: x\r\n\r\n", "554 5.4.6"}};
    for (const auto& [content, reply] : rows) {
        message_trial trial(subject());
        CHECK_FALSE(trial.take(content));
        CHECK(reply_line(trial.refusal()).starts_with(reply));
    }
}

TEST_CASE("a client whose name no session takes is its address, and an address in UTF-8 is said to be one") {
    auto about = subject();
    about.helo = "no name at all";
    message_trial trial(about);
    REQUIRE(trial.take(small));
    CHECK(trial.added().find("from [192.0.2.1] ") != std::string::npos);
    auto utf8 = subject();
    utf8.sender = protocol::parse_address("\xc3\xbc@s.test").value();
    message_trial other(utf8);
    REQUIRE(other.take(small));
    CHECK(other.added().find("with UTF8SMTP ") != std::string::npos);
    utf8.settings.takes_utf8 = false;
    message_trial refused(utf8);
    CHECK_FALSE(refused.take(small));
    CHECK(refused.refusal().code == 555);
}

TEST_CASE("the fields that pretend to be ours are named, in the header alone") {
    protocol::session_settings ours;
    ours.results_of = std::make_shared<const std::vector<std::string>>(1, "mx.d.test");
    const std::string first = "authentication-results: MX.d.test; none\r\n";
    const std::string folded = "Authentication-Results:\r\n (;)\r\n\tmx.d.test; none\r\n";
    const std::string others = "Authentication-Results: other.test; none\r\n";
    const std::string mark = "X-Spam-Status: No\r\n";
    CHECK(forged_in(first + others + folded + mark + "\r\n" + first, ours) == std::vector{first, folded});
    CHECK(forged_in(others + "\r\n", ours).empty());
    CHECK(forged_in("Authentication-Results: mx.d.test", ours).size() == 1); // no end of line
    CHECK(forged_in("", ours).empty());
    ours.drop_spam_marks = true;
    CHECK(forged_in(first + others + mark + "\r\n" + mark, ours) == std::vector{first, mark});
}

TEST_CASE("a file with LF alone gets the ends that a client would send, another is left as it is") {
    CHECK(with_line_ends("a\nb\n") == "a\r\nb\r\n");
    CHECK(with_line_ends("\na") == "\r\na");
    CHECK(with_line_ends("a\r\nb\nc") == "a\r\nb\nc");
    CHECK(with_line_ends("a\rb") == "a\rb");
    CHECK(with_line_ends("").empty());
}

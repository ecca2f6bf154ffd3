// The scan of a header that comes in: what it counts, wherever the input is cut, and how little it keeps.
#include "protocol/mail/header_scan.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace postern::protocol;

namespace {

header_scan scan(std::string_view text) {
    header_scan made;
    made.feed(text);
    return made;
}

const std::string sample = "Received: from a by b;\r\n\tthen folded\r\n"
                           "RECEIVED : c\r\n"
                           " Received: a folded line is no field\r\n"
                           "X-Received: no\r\n"
                           "Delivered-To: \t u@d.test \r\n"
                           "delivered-to:v@d.test\r\n"
                           "Message-Id:  <1@c.test> \r\n"
                           "Message-ID: <2@c.test>\r\n"
                           ">From an old mailbox file\r\n"
                           "\r\n"
                           "Received: in the body\r\n\r\nDelivered-To: w@d.test\r\n";

} // namespace

TEST_CASE("the fields that matter are found, folded ones and the body are not counted") {
    const auto seen = scan(sample);
    CHECK(seen.finished());
    CHECK(seen.received() == 2);
    CHECK(seen.delivered_to() == std::vector<std::string>{"u@d.test", "v@d.test"});
    CHECK(seen.message_id() == "<1@c.test>");
    CHECK(seen.size() == sample.find("\r\n\r\n") + 4);
}

TEST_CASE("a header is the same wherever the input is cut") {
    const auto whole = scan(sample);
    const auto same = [&](const header_scan& other) {
        return other.finished() && other.size() == whole.size() && other.received() == whole.received() &&
               other.delivered_to() == whole.delivered_to() && other.message_id() == whole.message_id();
    };
    for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
        header_scan cut_in_two;
        cut_in_two.feed(std::string_view(sample).substr(0, cut));
        cut_in_two.feed(std::string_view(sample).substr(cut));
        CHECK(same(cut_in_two));
    }
    header_scan by_octets;
    for (const char octet : sample) by_octets.feed({&octet, 1});
    CHECK(same(by_octets));
}

TEST_CASE("a line that is no field begins the body, and is not counted as header") {
    for (const std::string body : {"body", ": no name", "n\xc3\xa4me: x", "two words: x", "body "}) {
        CAPTURE(body);
        const auto seen = scan("Received: a\r\n" + body + "\r\nReceived: b\r\n");
        CHECK(seen.finished());
        CHECK(seen.received() == 1);
        CHECK(seen.size() == 13);
    }
    CHECK(scan(std::string(5'000, 'x') + "\r\n").size() == 0);
}

TEST_CASE("a message that is all header counts to its end") {
    for (const std::string last : {"Received: b\r\n", "Received: b"}) {
        auto seen = scan("Received: a\r\n" + last);
        CHECK_FALSE(seen.finished());
        seen.end();
        CHECK(seen.finished());
        CHECK(seen.received() == 2);
        CHECK(seen.size() == 13 + last.size());
        seen.feed("Received: c\r\n");
        seen.end();
        CHECK(seen.received() == 2);
    }
    header_scan nothing;
    nothing.end();
    CHECK(nothing.finished());
    CHECK(nothing.size() == 0);
}

TEST_CASE("a folded value is one value") {
    const auto seen = scan("Delivered-To:\r\n  u@d.test\r\nMessage-ID:\r\n\t<1@c.test>\r\n\r\n");
    CHECK(seen.delivered_to() == std::vector<std::string>{"u@d.test"});
    CHECK(seen.message_id() == "<1@c.test>");
    auto long_one = scan("Message-ID: x");
    for (int i = 0; i < 10'000; ++i) long_one.feed("\r\n more");
    long_one.end();
    CHECK(long_one.message_id().size() <= header_scan::field_max);
}

TEST_CASE("a message that begins with an empty line has no header") {
    const auto seen = scan("\r\nReceived: a\r\n");
    CHECK(seen.finished());
    CHECK(seen.received() == 0);
    CHECK(seen.size() == 2);
}

TEST_CASE("a first line that is folded is no field") {
    CHECK(scan(" Received: a\r\n\r\n").received() == 0);
    CHECK(scan("\tReceived: a\r\n\r\n").received() == 0);
}

TEST_CASE("a long line is kept in part only, and counted whole") {
    const std::string line = "Message-ID: " + std::string(1'000'000, 'x') + "\r\n";
    auto seen = scan(line + "\r\n");
    CHECK(seen.size() == line.size() + 2);
    CHECK(seen.message_id().size() <= header_scan::field_max);
    const std::string name(5000, 'n');
    CHECK(scan(name + "Received: x\r\n\r\n").received() == 0);
}

TEST_CASE("a flood of fields is bounded in memory and linear in time") {
    std::string flood;
    for (int i = 0; i < 100'000; ++i) flood += "Delivered-To: u@d.test\r\n";
    const auto begun = std::chrono::steady_clock::now();
    const auto seen = scan(flood + "\r\n");
    header_scan by_octets;
    for (const char octet : flood) by_octets.feed({&octet, 1});
    by_octets.end();
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(seen.delivered_to().size() == header_scan::delivered_to_max);
    CHECK(by_octets.delivered_to() == seen.delivered_to());
    CHECK(took < std::chrono::seconds(20)); // quadratic time would be hours
}

TEST_CASE("the size never grows less, and an endless field is counted while it comes") {
    header_scan field;
    field.feed("X: " + std::string(1'000'000, 'x'));
    CHECK(field.size() == 1'000'003);
    header_scan body;
    body.feed(std::string(1'000'000, 'x'));
    CHECK(body.size() == 0);
    header_scan any;
    std::uint64_t before = 0;
    for (const char octet : sample + std::string(3'000, 'y') + ": \r\n") {
        any.feed({&octet, 1});
        CHECK(any.size() >= before);
        before = any.size();
    }
}

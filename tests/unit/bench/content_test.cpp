// The message that is sent has the size that is reported, and means the same to every server.
#include "bench/load/content.hpp"

#include <catch2/catch.hpp>
#include <set>

using postern::bench::content;

namespace {

std::string whole(const content& of, std::uint64_t number) {
    std::string made;
    of.append_header(made, number);
    return made.append(of.body());
}

} // namespace

TEST_CASE(
    "a message has exactly the octets that were asked for, in lines that no server would fold or stuff") {
    const std::uint64_t size = 600 + GENERATE(range(0U, 160U)); // every remainder of a line, twice
    const content made(size, "sender@load.test");
    const std::string message = whole(made, 7);
    CHECK(message.size() == size);
    CHECK(made.size() == size);
    std::size_t start = 0;
    while (start < message.size()) {
        const std::size_t end = message.find("\r\n", start);
        REQUIRE(end != std::string::npos);
        const std::string line = message.substr(start, end - start);
        if (line.size() > 100 || line.starts_with('.') || line.find_first_of("\r\n") != std::string::npos)
            FAIL("a bad line: " << line);
        start = end + 2;
    }
    CHECK(made.body_and_dot() == std::string(made.body()) + ".\r\n");
}

TEST_CASE("a header longer than the message that was asked for is sent whole, and its size told") {
    const content made(10, "sender@load.test");
    CHECK(made.body().empty());
    CHECK(made.size() == whole(made, 1).size());
    CHECK(made.body_and_dot() == ".\r\n");
}

TEST_CASE("no two messages have one Message-ID, and all headers have one length") {
    const content made(1000, "sender@load.test");
    std::set<std::string> ids;
    for (const std::uint64_t number : {0ULL, 1ULL, 9ULL, 10ULL, 999'999ULL, 123'456'789'012ULL}) {
        ids.insert(made.message_id(number));
        CHECK(whole(made, number).size() == made.size());
    }
    CHECK(ids.size() == 6);
}

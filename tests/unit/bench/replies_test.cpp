// What the load generator counts as accepted rests on reading replies right, in whatever pieces they come.
#include "bench/load/replies.hpp"

#include <catch2/catch.hpp>
#include <vector>

using postern::bench::queue_id_of;
using postern::bench::reply_reader;

TEST_CASE("replies are the same in any pieces") {
    const std::string wire = "220 mx ready\r\n250-mx\r\n250-PIPELINING\r\n250 SIZE 1\r\n354\r\n";
    const std::size_t piece = GENERATE(1U, 2U, 3U, 7U, 100U);
    reply_reader reader;
    std::vector<std::pair<unsigned, std::string>> found;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
        reader.feed(std::string_view(wire).substr(at, piece));
        while (const auto one = reader.next()) found.emplace_back(one->code, one->text);
    }
    const std::vector<std::pair<unsigned, std::string>> expected = {
        {220, "220 mx ready"}, {250, "250-mx\r\n250-PIPELINING\r\n250 SIZE 1"}, {354, "354"}};
    CHECK(found == expected);
    CHECK_FALSE(reader.has_rest());
}

TEST_CASE("what is no reply is told, not skipped") {
    const std::string wire = GENERATE(as<std::string>(), "hello\r\n", "2x0 ok\r\n",
                                      "150 no such category\r\n", "250_ok\r\n", "\r\n", "250-a\r\nb\r\n");
    reply_reader reader;
    reader.feed(wire);
    const auto found = reader.next();
    REQUIRE(found);
    CHECK(found->code == 0);
    CHECK_FALSE(reader.next());
}

TEST_CASE("a reply without an end is given up, not gathered for ever") {
    reply_reader reader;
    for (int i = 0; i < 2000; ++i) reader.feed("250-" + std::string(60, 'x') + "\r\n");
    REQUIRE(reader.next());
    CHECK_FALSE(reader.has_rest());
}

TEST_CASE("the queue id is what follows `queued as`") {
    CHECK(queue_id_of("250 2.0.0 Ok: queued as 4Q1K1033V4VF8") == "4Q1K1033V4VF8");
    CHECK(queue_id_of("250 2.0.0 Ok: queued as 4Q1K. Thanks") == "4Q1K");
    CHECK(queue_id_of("250 2.0.0 Ok").empty());
}

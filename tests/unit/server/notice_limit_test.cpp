// A sender gets so many notices in an hour, however many fail.
#include "server/delivery/notice_limit.hpp"

#include <catch2/catch.hpp>

using postern::server::notice_limit;

namespace {
constexpr std::int64_t now = 1'800'000'000;
}

TEST_CASE("as many notices as are allowed go out in an hour, then the next hour's", "[notices]") {
    notice_limit limit;
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(limit.wait_until("a@s.test", 3, now + i) == 0);
        limit.count("a@s.test", 1, now + i);
    }
    CHECK(limit.wait_until("a@s.test", 3, now + 5) == now + 3600);
    CHECK(limit.wait_until("b@s.test", 3, now + 5) == 0);
    CHECK(limit.wait_until("a@s.test", 4, now + 5) == 0); // the limit was raised
    CHECK(limit.wait_until("a@s.test", 0, now + 5) == 0); // there is none
    CHECK(limit.wait_until("a@s.test", 3, now + 3600) == 0);
    limit.count("a@s.test", 3, now + 3600);
    CHECK(limit.wait_until("a@s.test", 3, now + 3601) == now + 7200);
    CHECK(limit.wait_until("a@s.test", 3, now - 100) == 0); // a clock that was set back keeps nobody waiting
}

TEST_CASE("very many senders cost a bounded memory and share one limit", "[notices]") {
    notice_limit limit;
    for (std::size_t i = 0; i < notice_limit::senders_max; ++i) limit.count(std::to_string(i), 5, now);
    CHECK(limit.wait_until("0", 5, now) != 0);
    CHECK(limit.wait_until("one more", 5, now) == 0);
    limit.count("one more", 5, now);
    CHECK(limit.wait_until("one more", 5, now) == now + 3600);
    CHECK(limit.wait_until("another", 5, now) == now + 3600);
    limit.count("another", 1, now + 3600); // all that is over has made room
    CHECK(limit.wait_until("another", 5, now + 3600) == 0);
    CHECK(limit.wait_until("one more", 5, now + 3600) == 0);
    const std::string endless(100'000, 'x');
    limit.count(endless, 5, now + 3600);
    CHECK(limit.wait_until(endless, 5, now + 3600) != 0);
    CHECK(limit.wait_until("a@s.test", 5, now + 3600) == 0);
}

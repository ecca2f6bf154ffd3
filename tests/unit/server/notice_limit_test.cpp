// A sender gets so many notices in an hour, however many fail.
#include "server/delivery/notice_limit.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using postern::server::notice_limit;

namespace {
constexpr std::int64_t now = 1'800'000'000;
}

TEST_CASE("as many notices as are allowed go out in an hour, then the next hour's", "[notices]") {
    notice_limit limit;
    for (int i = 0; i < 3; ++i) CHECK(limit.claim("a@s.test", 3, now + i) == 0);
    CHECK(limit.claim("a@s.test", 3, now + 5) == now + 3600);
    CHECK(limit.claim("b@s.test", 3, now + 5) == 0);
    CHECK(limit.claim("a@s.test", 4, now + 5) == 0); // the limit was raised
    CHECK(limit.claim("a@s.test", 4, now + 5) == now + 3600);
    CHECK(limit.claim("a@s.test", 0, now + 5) == 0); // there is none
    CHECK(limit.claim("a@s.test", 3, now + 3600) == 0);
    limit.count("a@s.test", 2, now + 3601);
    CHECK(limit.claim("a@s.test", 3, now + 3602) == now + 7200);
    CHECK(limit.claim("a@s.test", 3, now - 100) == 0); // a clock that was set back keeps nobody waiting
}

TEST_CASE("very many senders cost a bounded memory and share one limit", "[notices]") {
    notice_limit limit;
    for (std::size_t i = 0; i < notice_limit::senders_max; ++i) limit.count(std::to_string(i), 5, now);
    CHECK(limit.claim("0", 5, now) != 0);
    for (int i = 0; i < 5; ++i) CHECK(limit.claim("one more", 5, now) == 0);
    CHECK(limit.claim("one more", 5, now) == now + 3600);
    CHECK(limit.claim("another", 5, now) == now + 3600);
    for (int i = 0; i < 5; ++i) CHECK(limit.claim("another", 5, now + 3600) == 0); // what is over makes room
    CHECK(limit.claim("one more", 5, now + 3600) == 0);
    const std::string endless(100'000, 'x');
    limit.count(endless, 5, now + 3600);
    CHECK(limit.claim(endless, 5, now + 3600) != 0);
    CHECK(limit.claim("a@s.test", 5, now + 3600) == 0);
}

TEST_CASE("attempts that end at the same time don't get past the limit", "[notices]") {
    notice_limit limit;
    std::atomic<int> allowed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 1000; ++k)
                if (limit.claim("a@s.test", 300, now) == 0) ++allowed;
        });
    for (auto& one : threads) one.join();
    CHECK(allowed == 300);
}

// Buckets, their edges, and numbers from several threads.
#include "server/histogram.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using postern::server::histogram;
using namespace std::chrono_literals;

namespace {

// The one bucket that `took` counts into.
std::size_t bucket_of(std::chrono::steady_clock::duration took) {
    histogram made;
    made.add(took);
    const auto read = made.read();
    REQUIRE(read.count() == 1);
    for (std::size_t i = 0; i < read.counts.size(); ++i)
        if (read.counts[i] == 1) return i;
    FAIL("no bucket");
    return 0;
}

} // namespace

TEST_CASE("a time at a bound counts into its bucket, a nanosecond more into the next") {
    for (std::size_t i = 0; i < histogram::bounds.size(); ++i) {
        CAPTURE(i);
        CHECK(bucket_of(histogram::bounds[i]) == i);
        CHECK(bucket_of(histogram::bounds[i] + 1ns) == i + 1);
    }
    CHECK(bucket_of(24h) == histogram::bounds.size());
}

TEST_CASE("bounds grow") { CHECK(std::is_sorted(histogram::bounds.begin(), histogram::bounds.end())); }

TEST_CASE("a clock that went backwards counts as no time") {
    histogram made;
    made.add(-5s);
    CHECK(made.read().counts[0] == 1);
    CHECK(made.read().sum == 0us);
}

TEST_CASE("the sum is of all that was added") {
    histogram made;
    for (const auto took : {1ms, 2ms, 20000ms}) made.add(took);
    CHECK(made.read().sum == 20003ms);
    CHECK(made.read().count() == 3);
}

TEST_CASE("nothing is lost between threads") {
    constexpr int each = 20'000;
    histogram made;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&made] {
            for (int k = 0; k < each; ++k) made.add(1ms);
        });
    for (auto& one : threads) one.join();
    CHECK(made.read().count() == 4 * each);
    CHECK(made.read().sum == 4 * each * 1ms);
}

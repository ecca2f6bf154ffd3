// A benchmark that reports wrong percentiles is worse than none: these compare with a sorted list.
#include "bench/load/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using postern::bench::histogram;

namespace {

std::uint64_t in_sorted(const std::vector<std::uint64_t>& sorted, double percent) {
    const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()) - 1e-9);
    return sorted[std::max<std::size_t>(1, static_cast<std::size_t>(rank)) - 1];
}

void check_close(std::uint64_t found, std::uint64_t exact) {
    CHECK(found >= exact); // never too good
    CHECK(static_cast<double>(found) <= static_cast<double>(exact) * (1 + 1.0 / 128) + 1);
}

} // namespace

TEST_CASE("an empty histogram has no times, and says so without dividing by zero") {
    const histogram empty;
    CHECK(empty.count() == 0);
    CHECK(empty.min() == 0);
    CHECK(empty.max() == 0);
    CHECK(empty.mean() == 0);
    CHECK(empty.percentile(99) == 0);
    CHECK(empty.filled().empty());
}

TEST_CASE("one value is every percentile, exactly, whatever its size") {
    const std::uint64_t value = GENERATE(as<std::uint64_t>(), 0, 1, 255, 256, 257, 511, 512, 1'000'003,
                                         1ULL << 40, (1ULL << 63) + 5, UINT64_MAX);
    histogram one;
    one.record(value);
    for (const double percent : {0.0, 50.0, 99.9, 100.0}) CHECK(one.percentile(percent) == value);
    REQUIRE(one.filled().size() == 1);
    CHECK(one.filled()[0].lowest <= value);
    CHECK(one.filled()[0].highest >= value);
}

TEST_CASE("small values are kept exactly") {
    histogram all;
    for (std::uint64_t value = 0; value < 256; ++value) all.record(value);
    CHECK(all.percentile(50) == 127);
    CHECK(all.percentile(100) == 255);
    CHECK(all.filled().size() == 256);
}

TEST_CASE("buckets cover every value once, without a gap") {
    histogram all;
    std::uint64_t value = 0;
    while (value < (1ULL << 62)) {
        all.record(value);
        value += 1 + value / 400; // at least one in each bucket
    }
    const auto filled = all.filled();
    for (std::size_t i = 1; i < filled.size(); ++i) {
        if (filled[i].lowest != filled[i - 1].highest + 1) FAIL("a gap after " << filled[i - 1].highest);
    }
    CHECK(filled.front().lowest == 0);
}

TEST_CASE("percentiles agree with a sorted list to 1 part in 128") {
    std::mt19937_64 chance(GENERATE(1U, 2U, 3U));
    std::lognormal_distribution<double> times(13, 2); // nanoseconds: half a millisecond, with a long tail
    histogram recorded;
    std::vector<std::uint64_t> sorted;
    for (int i = 0; i < 20'000; ++i) {
        sorted.push_back(static_cast<std::uint64_t>(times(chance)));
        recorded.record(sorted.back());
    }
    std::sort(sorted.begin(), sorted.end());
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99})
        check_close(recorded.percentile(percent), in_sorted(sorted, percent));
    CHECK(recorded.percentile(100) == sorted.back());
    CHECK(recorded.max() == sorted.back());
    CHECK(recorded.min() == sorted.front());
}

TEST_CASE("one slow value among a thousand is p99.9's neighbour, not lost") {
    histogram recorded;
    for (int i = 0; i < 999; ++i) recorded.record(1000);
    recorded.record(5'000'000);
    CHECK(recorded.percentile(99.9) < 1010);
    CHECK(recorded.percentile(99.95) == 5'000'000);
    CHECK(recorded.max() == 5'000'000);
}

TEST_CASE("two histograms added are the histogram of both") {
    histogram left, right, both;
    for (std::uint64_t value = 1; value < 100'000; value = value * 3 / 2 + 1) {
        (value % 2 == 0 ? left : right).record(value);
        both.record(value);
    }
    left.add(right);
    CHECK(left.count() == both.count());
    CHECK(left.min() == both.min());
    CHECK(left.max() == both.max());
    CHECK(left.mean() == Approx(both.mean()));
    for (const double percent : {10.0, 50.0, 90.0})
        CHECK(left.percentile(percent) == both.percentile(percent));
    left.add(histogram());
    CHECK(left.min() == both.min());
}

// How long something took, counted in fixed buckets: any thread adds, without a lock and without memory; who
// reads meanwhile sees each number as it is, not all of one moment.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postern::server {

class histogram {
  public:
    using duration = std::chrono::microseconds;
    // The longest that counts into each bucket; what takes longer counts into one more.
    static constexpr std::array<duration, 15> bounds{
        duration(250),       duration(500),       duration(1'000),     duration(2'500),
        duration(5'000),     duration(10'000),    duration(25'000),    duration(50'000),
        duration(100'000),   duration(250'000),   duration(500'000),   duration(1'000'000),
        duration(2'500'000), duration(5'000'000), duration(10'000'000)};

    struct values {
        std::array<std::uint64_t, bounds.size() + 1> counts{}; // of each bucket alone
        duration sum{};
        std::uint64_t count() const;
    };

    void add(std::chrono::steady_clock::duration took) {
        const auto time = std::max(std::chrono::ceil<duration>(took), duration::zero());
        const auto at = std::lower_bound(bounds.begin(), bounds.end(), time) - bounds.begin();
        counts_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(static_cast<std::uint64_t>(time.count()), std::memory_order_relaxed);
    }
    values read() const;

  private:
    std::array<std::atomic<std::uint64_t>, bounds.size() + 1> counts_{};
    std::atomic<std::uint64_t> sum_{0}; // microseconds
};

} // namespace postern::server

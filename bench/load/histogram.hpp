// Times in buckets whose width grows with the value, as HdrHistogram has them: any value is known to 1 part
// in 128, whatever its size, in a fixed 30 KiB and some nanoseconds a record. Units are the caller's; the
// load generator records nanoseconds. Single-threaded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace postern::bench {

class histogram {
  public:
    void record(std::uint64_t value);
    void add(const histogram& other);

    std::uint64_t count() const { return count_; }
    std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
    std::uint64_t max() const { return max_; }
    double mean() const;
    // The least value that `percent` of all values don't exceed, at most 1/128 too high and never above
    // max(); 0 when nothing was recorded.
    std::uint64_t percentile(double percent) const;

    struct bucket {
        std::uint64_t lowest = 0, highest = 0; // both belong to it
        std::uint64_t count = 0;
    };
    std::vector<bucket> filled() const; // those that hold something, lowest first

  private:
    static constexpr unsigned precision_bits = 7;
    static constexpr std::uint64_t linear_end = std::uint64_t{1} << (precision_bits + 1);
    static constexpr std::size_t buckets = linear_end + (64 - precision_bits - 1) * (linear_end / 2);

    static std::size_t index_of(std::uint64_t value);
    static std::uint64_t lowest_of(std::size_t index);

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
    double sum_ = 0;
};

} // namespace postern::bench

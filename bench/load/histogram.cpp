// Below linear_end each value has its own bucket; above it each doubling is cut into 128 equal ones.
#include "bench/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace postern::bench {

std::size_t histogram::index_of(std::uint64_t value) {
    if (value < linear_end) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - (precision_bits + 1);
    return static_cast<std::size_t>(linear_end + (shift - 1) * (linear_end / 2) +
                                    ((value >> shift) - linear_end / 2));
}

std::uint64_t histogram::lowest_of(std::size_t index) {
    if (index < linear_end) return index;
    const std::uint64_t above = index - linear_end;
    const std::uint64_t shift = above / (linear_end / 2) + 1;
    return (above % (linear_end / 2) + linear_end / 2) << shift;
}

void histogram::record(std::uint64_t value) {
    ++counts_[index_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
}

void histogram::add(const histogram& other) {
    for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

double histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::uint64_t histogram::percentile(double percent) const {
    if (count_ == 0) return 0;
    const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
    const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share - 1e-9)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i + 1 < buckets; ++i) {
        seen += counts_[i];
        if (seen >= wanted) return std::clamp(lowest_of(i + 1) - 1, min_, max_);
    }
    return max_;
}

std::vector<histogram::bucket> histogram::filled() const {
    std::vector<bucket> made;
    for (std::size_t i = 0; i < buckets; ++i) {
        if (counts_[i] == 0) continue;
        const std::uint64_t highest = i + 1 < buckets ? lowest_of(i + 1) - 1 : UINT64_MAX;
        made.push_back({lowest_of(i), highest, counts_[i]});
    }
    return made;
}

} // namespace postern::bench

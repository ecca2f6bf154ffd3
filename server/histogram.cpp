#include "server/histogram.hpp"

#include <numeric>

namespace postern::server {

std::uint64_t histogram::values::count() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

histogram::values histogram::read() const {
    values made;
    for (std::size_t i = 0; i < counts_.size(); ++i)
        made.counts[i] = counts_[i].load(std::memory_order_relaxed);
    made.sum = duration(sum_.load(std::memory_order_relaxed));
    return made;
}

} // namespace postern::server

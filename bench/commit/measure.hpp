// Waiters that keep handing messages to a store for some seconds, and what that cost: processor time, flushes
// and octets written are those of this process, from the kernel and from flush_counter.
#pragma once

#include "bench/load/histogram.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace postern::bench {

// Keeps message `number`, durably.
using keeper = std::function<boost::asio::awaitable<boost::system::error_code>(std::uint64_t number)>;

struct cost {
    double seconds = 0;
    std::uint64_t kept = 0, failed = 0;
    std::string first_failure;
    std::uint64_t commits = 0; // filled by the caller
    std::uint64_t fdatasyncs = 0, synchronous_writes = 0, other_flushes = 0;
    std::uint64_t octets_written = 0; // to the disk, as /proc/self/io has it
    double cpu = 0;
    histogram times; // nanoseconds, from handing over to durable

    double per_second() const { return seconds > 0 ? static_cast<double>(kept) / seconds : 0; }
    double per_message(double what) const { return kept == 0 ? 0 : what / static_cast<double>(kept); }
};

cost measure(const keeper& keep, unsigned waiters, std::chrono::milliseconds time);

} // namespace postern::bench

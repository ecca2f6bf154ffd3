// Whether every part of the server still works, as far as a sign of life tells: each worker's loop counts its
// sweeps, and the queue's writer says since when it has been at a batch; one that waits for work is well. The
// main loop is the one that asks. Time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace postern::server {

class watchdog {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit watchdog(std::chrono::microseconds interval) : interval_(interval) {}

    std::chrono::microseconds interval() const { return interval_; }
    // To be called twice in each interval. Who gave no sign of life for all of one; "" = all are well.
    std::string look(time_point now, std::span<const std::uint64_t> beats,
                     std::optional<time_point> writing_since);

  private:
    struct seen {
        std::uint64_t beats = 0;
        time_point changed;
    };
    const std::chrono::microseconds interval_;
    std::optional<time_point> looked_;
    std::vector<seen> workers_;
};

} // namespace postern::server

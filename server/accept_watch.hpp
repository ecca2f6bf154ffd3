// What keeps connections from being accepted, told when it begins and when it is over: it comes many times a
// second, on every thread.
#pragma once

#include "server/log.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>

namespace postern::server {

class accept_watch {
  public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds quiet_time{5}; // without a failure: it is over

    explicit accept_watch(log& journal) : journal_(journal) {} // which outlives it

    void failed(std::string_view why, time_point now); // any thread; never throws
    void look(time_point now);                         // now and then

  private:
    log& journal_;
    std::mutex mutex_;           // of what follows
    std::uint64_t failures_ = 0; // 0 = all is well
    time_point last_;
};

} // namespace postern::server

// Drives the sessions of one thread with one epoll: opens what may be opened, hands events on, finds the
// silent, shows where it is once a second.
#pragma once

#include "bench/load/session.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

namespace postern::bench {

class engine {
  public:
    explicit engine(workload& shared);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    bool run(std::string& problem); // until all is done, or the workload says stop
    void interrupt();               // from a signal handler: sessions in progress are left

  private:
    struct closed_slot {
        session* which;
        steady::time_point not_before; // a lost connection isn't tried again at once
    };

    void open_what_may(steady::time_point now);
    bool open(session& slot, steady::time_point now);
    bool watch(session& slot);
    int wait_time(steady::time_point now) const;
    void handle(session& slot, std::uint32_t events);
    void each_second(steady::time_point now);
    bool over(steady::time_point now) const;

    workload& shared_;
    int poll_ = -1;
    std::vector<std::unique_ptr<session>> slots_;
    std::deque<closed_slot> closed_;
    std::vector<char> room_;
    std::size_t opening_ = 0; // wait for their greeting
    bool exhausted_ = false;  // there is nothing more to begin
    std::atomic<bool> interrupted_ = false;
    steady::time_point next_second_{};
    std::uint64_t done_before_ = 0;
};

} // namespace postern::bench

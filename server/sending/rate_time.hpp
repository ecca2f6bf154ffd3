// The time of storage::rates (policy/submission/window.hpp) from this machine's clocks.
#pragma once

#include "policy/submission/desk.hpp"

#include <memory>

namespace postern::server {

policy::clock_reading read_clocks();

// For a command: what a server on the same state folder takes for now.
result<policy::rate_seconds> rate_time_now(const storage::rates& rows);

// The server's. Leaves a mark beside the rows, so that the next process goes on from there.
class running_clock final : public policy::rate_clock {
  public:
    static result<std::unique_ptr<running_clock>> begin(storage::rates& rows); // outlives it

    policy::rate_seconds now() const override; // any thread
    // Once a minute; to be called before each flush of the rows.
    void leave_mark();
    // The wall clock's time for one of rates.
    std::int64_t wall_time_of(policy::rate_seconds when) const;

  private:
    running_clock(storage::rates& rows, const policy::clock_mark& from) : rows_(rows), from_(from) {}

    storage::rates& rows_;
    const policy::clock_mark from_; // this process's beginning
    policy::rate_seconds marked_ = 0;
};

} // namespace postern::server

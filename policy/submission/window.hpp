// The arithmetic of counting in time: windows that begin with the first of what they count, and a time that
// no jump of a clock touches. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace postern::policy {

// Seconds on the scale of rate_time(). What is kept in storage::rates is on this scale and on no other.
using rate_seconds = std::int64_t;

inline constexpr rate_seconds rate_hour = 3600;
inline constexpr rate_seconds rate_day = 24 * rate_hour;

// What a machine's clocks say at one moment, in seconds.
struct clock_reading {
    std::string boot;            // which start of the machine this is; "" = not known
    std::int64_t since_boot = 0; // nobody sets it, and it goes on while the machine sleeps
    std::int64_t wall = 0;       // since 1970: people, NTP and a dead battery set it
};
// Written beside the rows, so that a later process can go on where this one was.
struct clock_mark {
    std::string boot;
    std::int64_t since_boot = 0;
    rate_seconds time = 0;
    bool operator==(const clock_mark&) const = default;
};

// The time now, going on from the mark. While the machine runs, the clock that nobody can set says how much
// time has passed, over restarts of the server too: a wall clock that jumps changes nothing. After a new
// start of the machine only the wall clock can say how long it was off, and it is believed forwards alone:
// set back, as much time has passed as the machine has run. So an allowance is never handed out twice but by
// a wall clock that is wrong while the machine starts, and nobody waits longer than the window that was open.
rate_seconds rate_time(const std::optional<clock_mark>& mark, const clock_reading& now);

std::string encode_mark(const clock_mark& mark);
std::optional<clock_mark> decode_mark(const std::string& octets); // nullopt: damaged

// A count that begins anew once `length` seconds have passed since its first. One whose start lies more than
// a minute ahead of `now` (a damaged row) counts as begun now; less is somebody who read the clock early.
struct counting_window {
    rate_seconds start = 0;
    std::uint32_t count = 0; // 0 = closed

    bool is_open(rate_seconds now, rate_seconds length) const;
    std::uint32_t counted(rate_seconds now, rate_seconds length) const; // 0 when it is over
    rate_seconds ends(rate_seconds now, rate_seconds length) const;     // of an open one
    void add(rate_seconds now, rate_seconds length, std::uint32_t more);
    // What was added when the window began at `begun`; nothing when it has begun anew since.
    void take_back(rate_seconds begun, std::uint32_t what);
    bool operator==(const counting_window&) const = default;
};

} // namespace postern::policy

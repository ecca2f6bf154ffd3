// The only place where the server reads the wall clock; everything else is told the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace postern::server {

std::int64_t now_microseconds(); // since 1970
inline std::int64_t now_seconds() { return now_microseconds() / 1'000'000; }

// The day it is here, by the local time zone.
std::chrono::sys_days local_day(std::int64_t unix_seconds);

} // namespace postern::server

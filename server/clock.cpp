// Wall clock for what is written down; deadlines use the steady clock where they are set.
#include "server/clock.hpp"

#include <chrono>
#include <ctime>

namespace postern::server {

std::int64_t now_microseconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::chrono::sys_days local_day(std::int64_t unix_seconds) {
    const std::time_t when = unix_seconds;
    std::tm local{};
    ::localtime_r(&when, &local);
    return std::chrono::year{local.tm_year + 1900} / (local.tm_mon + 1) / local.tm_mday;
}

} // namespace postern::server

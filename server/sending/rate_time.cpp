#include "server/sending/rate_time.hpp"

#include "server/clock.hpp"

#include <fstream>
#include <limits>
#include <time.h>

namespace postern::server {
namespace {

using boost::system::in_place_error;

constexpr std::string_view mark_key = "clock";
constexpr policy::rate_seconds mark_interval = 60;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// Seconds since the machine started, its sleep included; nobody can set it.
std::int64_t seconds_since_boot() {
    timespec now{};
    return ::clock_gettime(CLOCK_BOOTTIME, &now) == 0 ? static_cast<std::int64_t>(now.tv_sec) : 0;
}

result<std::optional<policy::clock_mark>> read_mark(const storage::rates& rows) {
    const auto row = rows.get(mark_key);
    if (!row) return {in_place_error, row.error()};
    return *row ? policy::decode_mark(**row) : std::nullopt;
}

} // namespace

policy::clock_reading read_clocks() {
    policy::clock_reading made;
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, made.boot); // "" where there is none
    made.since_boot = seconds_since_boot();
    made.wall = now_seconds();
    return made;
}

result<policy::rate_seconds> rate_time_now(const storage::rates& rows) {
    const auto mark = read_mark(rows);
    if (!mark) return {in_place_error, mark.error()};
    return policy::rate_time(*mark, read_clocks());
}

result<std::unique_ptr<running_clock>> running_clock::begin(storage::rates& rows) {
    const auto mark = read_mark(rows);
    if (!mark) return {in_place_error, mark.error()};
    auto now = read_clocks();
    const auto time = policy::rate_time(*mark, now);
    return std::unique_ptr<running_clock>(
        new running_clock(rows, {std::move(now.boot), now.since_boot, time}));
}

policy::rate_seconds running_clock::now() const {
    return from_.time + (seconds_since_boot() - from_.since_boot);
}

void running_clock::leave_mark() {
    const auto since_boot = seconds_since_boot();
    const auto time = from_.time + (since_boot - from_.since_boot);
    if (marked_ != 0 && time - marked_ < mark_interval) return;
    if (rows_.put(mark_key, policy::encode_mark({from_.boot, since_boot, time}), never)) marked_ = time;
}

std::int64_t running_clock::wall_time_of(policy::rate_seconds when) const {
    return now_seconds() + (when - now());
}

} // namespace postern::server

#include "policy/submission/window.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>
#include <limits>

namespace postern::policy {
namespace {

constexpr std::size_t mark_numbers = 2 * storage::number_octets;
constexpr std::int64_t time_max = std::int64_t{1} << 39; // what the rows have room for

constexpr rate_seconds late_max = 60; // who read the clock first may be the second to count

std::int64_t number_at(std::string_view octets, std::size_t index) {
    const auto value = storage::big_endian(octets.substr(index * storage::number_octets));
    return static_cast<std::int64_t>(std::min(value, static_cast<std::uint64_t>(time_max)));
}

std::int64_t sane(std::int64_t time) { return std::clamp(time, std::int64_t{0}, time_max); }

} // namespace

rate_seconds rate_time(const std::optional<clock_mark>& mark, const clock_reading& now) {
    if (!mark) return sane(now.wall);
    const auto run = sane(now.since_boot);
    if (!now.boot.empty() && now.boot == mark->boot)
        return sane(mark->time + std::max(run - mark->since_boot, std::int64_t{0}));
    return sane(std::max(now.wall, mark->time + run));
}

std::string encode_mark(const clock_mark& mark) {
    auto octets = storage::big_endian_octets(static_cast<std::uint64_t>(mark.time));
    storage::append_big_endian(octets, static_cast<std::uint64_t>(mark.since_boot));
    return octets + mark.boot;
}

std::optional<clock_mark> decode_mark(const std::string& octets) {
    if (octets.size() < mark_numbers) return std::nullopt;
    return clock_mark{octets.substr(mark_numbers), number_at(octets, 1), number_at(octets, 0)};
}

bool counting_window::is_open(rate_seconds now, rate_seconds length) const {
    return count > 0 && now - start < length;
}

std::uint32_t counting_window::counted(rate_seconds now, rate_seconds length) const {
    return is_open(now, length) ? count : 0;
}

rate_seconds counting_window::ends(rate_seconds now, rate_seconds length) const {
    return std::min(start, now) + length;
}

void counting_window::add(rate_seconds now, rate_seconds length, std::uint32_t more) {
    if (more == 0) return;
    if (!is_open(now, length)) {
        start = now;
        count = 0;
    }
    if (start - now > late_max) start = now;
    count += std::min(more, std::numeric_limits<std::uint32_t>::max() - count);
}

void counting_window::take_back(rate_seconds begun, std::uint32_t what) {
    if (start == begun) count -= std::min(count, what);
}

} // namespace postern::policy

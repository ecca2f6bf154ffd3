// Times come from a clock that may jump and from records that may be old: every sum and difference saturates.
#include "storage/schedule.hpp"

#include <algorithm>
#include <limits>

namespace postern::storage {
namespace {

constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();

constexpr std::int64_t clock_slack = 60; // seconds that a clock is put back without anything unusual

std::int64_t later(std::int64_t time, std::int64_t by) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(time, by, &sum) ? latest : sum;
}

std::int64_t age(std::int64_t arrived, std::int64_t now) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(now, arrived, &difference)) return now > arrived ? latest : 0;
    return difference;
}

} // namespace

std::int64_t next_try(const retry_plan& plan, unsigned tries, std::int64_t now) {
    const std::size_t row = std::min<std::size_t>(std::max(tries, 1U), plan.steps.size()) - 1;
    return later(now, std::max<std::int64_t>(plan.steps[row].count(), 1));
}

std::int64_t latest_due(const retry_plan& plan, std::int64_t now) {
    const auto longest = std::max_element(plan.steps.begin(), plan.steps.end());
    return later(later(now, longest->count()), clock_slack);
}

bool expired(const retry_plan& plan, unsigned tries, std::int64_t arrived, std::int64_t now) {
    return tries >= plan.steps.size() && age(arrived, now) >= plan.expire.count();
}

} // namespace postern::storage

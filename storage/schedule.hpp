// When a message is tried again: pure arithmetic; the clock is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace postern::storage {

struct retry_plan {
    std::span<const std::chrono::seconds> steps; // the last repeats; never empty
    std::chrono::seconds expire{};
};

// The next try after `tries` failed ones (tries >= 1), in unix seconds. Never before now + 1, whatever the
// clock did.
std::int64_t next_try(const retry_plan& plan, unsigned tries, std::int64_t now);
// No time that this plan gives, from now or from before, is later. One that is comes from a clock that was
// ahead, and the message is due.
std::int64_t latest_due(const retry_plan& plan, std::int64_t now);
// Given up: the age is reached and it was tried at least `steps` times, so that a clock jump alone expires
// nothing.
bool expired(const retry_plan& plan, unsigned tries, std::int64_t arrived, std::int64_t now);

} // namespace postern::storage

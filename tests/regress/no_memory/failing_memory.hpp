// Allocations that fail where a test wants them to.
#pragma once

#include <atomic>
#include <cstddef>

namespace postern::testing {

// On this thread: how many allocations pass before `failing` fail; negative: none does.
extern thread_local long passing, failing;
extern thread_local bool struck; // one has failed since fail_from()
void fail_from(long nth, long in_a_row);

// On any thread: so many octets at a time are too many; 0 = none are.
extern std::atomic<std::size_t> too_large;
extern std::atomic<unsigned> refused_as_large;

} // namespace postern::testing

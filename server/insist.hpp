// For what must be done in the end, and where nobody can be told that there is no memory for it: there will
// be some again.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace postern::server {

// Any thread, which sleeps meanwhile. `work` begins again from its start after a std::bad_alloc.
template <class Work> void insist(const Work& work) {
    constexpr std::chrono::milliseconds pause{10};
    for (;;) {
        try {
            return work();
        } catch (const std::bad_alloc&) {
            std::this_thread::sleep_for(pause);
        }
    }
}

} // namespace postern::server

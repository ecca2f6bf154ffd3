// What is counted, for `postern status`. Relaxed: each is a number on its own.
#pragma once

#include <atomic>
#include <cstdint>

namespace postern::server {

struct counters {
    std::atomic<std::uint64_t> messages_accepted{0}, messages_refused{0}, recipients_refused{0};
    std::atomic<std::uint64_t> delivered{0}, deferred{0}, failed{0};
    std::atomic<bool> disk_low{false}; // MAIL is answered 452 while it is set
};

} // namespace postern::server

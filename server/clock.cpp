// Wall clock for what is written down; deadlines use the steady clock where they are set.
#include "server/clock.hpp"

#include <chrono>

namespace postern::server {

std::int64_t now_microseconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

} // namespace postern::server

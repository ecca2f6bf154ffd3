#include "server/accept_watch.hpp"

#include <exception>
#include <fmt/format.h>
#include <utility>

namespace postern::server {

void accept_watch::failed(std::string_view why, time_point now) {
    {
        const std::lock_guard lock(mutex_);
        last_ = now;
        if (++failures_ != 1) return;
    }
    try {
        journal_.fault(fmt::format("connections can't be accepted: {}; it is tried again all the time", why));
    } catch (const std::exception&) { // no memory for the text
        journal_.fault("connections can't be accepted");
    }
}

void accept_watch::look(time_point now) {
    std::uint64_t failures = 0;
    {
        const std::lock_guard lock(mutex_);
        if (failures_ == 0 || now - last_ < quiet_time) return;
        failures = std::exchange(failures_, 0);
    }
    journal_.note(fmt::format("connections are accepted again, after {} attempts in vain", failures));
}

} // namespace postern::server

// Whoever asks late was stopped itself (SIGSTOP, a debugger), and the others with it: all begin anew then.
#include "server/watchdog.hpp"

#include <fmt/format.h>

namespace postern::server {

std::string watchdog::look(time_point now, std::span<const std::uint64_t> beats,
                           std::optional<time_point> writing_since) {
    const bool afresh = !looked_ || now - *looked_ >= interval_ || workers_.size() != beats.size();
    looked_ = now;
    workers_.resize(beats.size());
    std::string silent;
    for (std::size_t i = 0; i < beats.size(); ++i) {
        auto& worker = workers_[i];
        if (afresh || worker.beats != beats[i])
            worker = {beats[i], now};
        else if (now - worker.changed >= interval_)
            silent = fmt::format("worker {}", i + 1);
    }
    if (!afresh && writing_since && now - *writing_since >= interval_) silent = "the queue's writer";
    return silent;
}

} // namespace postern::server

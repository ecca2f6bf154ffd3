// /healthz: whether new mail is taken, for balancers and watchdogs.
#pragma once

#include "server/admin/status.hpp"

#include <chrono>
#include <optional>

namespace postern::server {

struct health {
    bool takes_mail = true;
    // "ok" or a line a reason: what keeps new mail out (not takes_mail), and "degraded: ..." for the rest.
    std::string text;
};

health health_of(const server_status& status);

// A disk that hangs reports no error. A write to the queue takes so long at most, or it is one.
inline constexpr std::chrono::seconds writing_time_max{30};
// `since`: when the write under way began; nullopt = there is none.
std::optional<alarm> alarm_of_write(std::optional<std::chrono::steady_clock::time_point> since,
                                    std::chrono::steady_clock::time_point now);

} // namespace postern::server

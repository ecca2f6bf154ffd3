#include "server/admin/health.hpp"

#include "server/admin/support.hpp"

#include <fmt/format.h>

namespace postern::server {

health health_of(const server_status& status) {
    health made;
    std::string degraded;
    if (status.draining) {
        made.takes_mail = false;
        made.text = "draining: no new connections are taken\n";
    }
    for (const auto& one : status.alarms) switch (one.how) {
        case alarm::weight::refusing:
            made.takes_mail = false;
            made.text += shown(one.text) + '\n';
            break;
        case alarm::weight::degraded: degraded += "degraded: " + shown(one.text) + '\n'; break;
        }
    if (made.takes_mail) made.text = "ok\n";
    made.text += degraded;
    return made;
}

std::optional<alarm> alarm_of_write(std::optional<std::chrono::steady_clock::time_point> since,
                                    std::chrono::steady_clock::time_point now) {
    if (!since || now - *since < writing_time_max) return std::nullopt;
    const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now - *since).count();
    return alarm{fmt::format("a write to the queue has lasted for {} s: the disk hangs, and no mail is "
                             "accepted meanwhile",
                             lasted),
                 alarm::weight::refusing};
}

} // namespace postern::server

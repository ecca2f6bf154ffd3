#include "server/admin/health.hpp"

#include "server/admin/support.hpp"

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

} // namespace postern::server

// /healthz: whether new mail is taken, for balancers and watchdogs.
#pragma once

#include "server/admin/status.hpp"

namespace postern::server {

struct health {
    bool takes_mail = true;
    // "ok" or a line a reason: what keeps new mail out (not takes_mail), and "degraded: ..." for the rest.
    std::string text;
};

health health_of(const server_status& status);

} // namespace postern::server

// The queue for a sub-command: read beside a running server, or without one.
#pragma once

#include "server/admin/support.hpp"
#include "storage/queue.hpp"

#include <memory>

namespace postern::server {

inline constexpr std::size_t queue_page_max = 500; // messages read, or steered, at once

// Opens the queue as the server's user. Null with code ok: there is no queue yet.
struct queue_access {
    queue_access(const conf::config& settings, terminal& with);
    as_service_user identity;
    std::unique_ptr<storage::queue> messages;
    exit_code code = exit_code::ok;
};

exit_code tell_damaged(terminal& with, storage::queue_id id); // its record can't be read

} // namespace postern::server

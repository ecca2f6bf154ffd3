// The queue for a sub-command: read beside a running server or without one, or changed without one.
#pragma once

#include "server/admin/support.hpp"
#include "storage/queue.hpp"
#include "storage/state_lock.hpp"
#include "storage/steering.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace postern::server {

inline constexpr std::size_t queue_page_max = 500; // messages read, or steered, at once

enum class queue_use {
    read,
    change, // nobody else may use the state folder meanwhile
};

// Opens the queue as the server's user. Null with code ok: there is no queue yet.
struct queue_access {
    queue_access(const conf::config& settings, terminal& with, queue_use how);
    as_service_user identity;
    std::optional<storage::state_lock> lock; // when it is to be changed
    std::unique_ptr<storage::queue> messages;
    exit_code code = exit_code::ok;

  private:
    bool take_lock(const conf::config& settings, terminal& with);
};

// The wish for each of them, by the running server or without one; what came of it is said.
exit_code steer_messages(storage::queue_wish wish, const std::vector<storage::queue_id>& ids,
                         const conf::config& settings, terminal& with);

// For queue_filter; what can't be read is as if nothing had been tried.
std::function<std::vector<storage::delivery_try>(storage::queue_id)> history_of(const storage::queue& in);

exit_code tell_damaged(terminal& with, storage::queue_id id); // its record can't be read

} // namespace postern::server

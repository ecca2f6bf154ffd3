#include "server/admin/queue_access.hpp"

#include "storage/errc.hpp"

#include <fmt/format.h>

namespace postern::server {

queue_access::queue_access(const conf::config& settings, terminal& with, queue_use how)
    : identity(settings.server) {
    if (!identity.trouble().empty()) {
        code = fail(with, exit_code::config, "server.user", identity.trouble());
        return;
    }
    auto& files = storage::system_files();
    const auto& folder = settings.server.state_dir;
    const auto present = storage::queue::is_there(files, folder);
    if (!present) code = fail(with, folder, present.error());
    if (!present || !*present) return;
    if (how == queue_use::change && !take_lock(settings, with)) return;
    auto opened = how == queue_use::change ? storage::queue::open(files, folder, {})
                                           : storage::queue::open_for_reading(files, folder);
    if (opened)
        messages = std::move(*opened);
    else
        code = fail(with, folder, opened.error());
}

bool queue_access::take_lock(const conf::config& settings, terminal& with) {
    const auto& folder = settings.server.state_dir;
    std::string about;
    auto taken = storage::state_lock::take(folder, about);
    if (taken)
        lock.emplace(std::move(*taken));
    else if (taken.error() == storage::storage_errc::locked)
        code = fail(with, exit_code::unavailable, settings.admin.socket,
                    fmt::format("process {} uses {} and does not answer there", about, folder));
    else
        code = fail(with, about, taken.error());
    return lock.has_value();
}

std::function<std::vector<storage::delivery_try>(storage::queue_id)> history_of(const storage::queue& in) {
    return [&in](storage::queue_id id) {
        auto tries = in.history(id);
        return tries ? std::move(*tries) : std::vector<storage::delivery_try>();
    };
}

exit_code tell_damaged(terminal& with, storage::queue_id id) {
    return fail(with, exit_code::bad_data, id.to_string(), "its record is damaged; it is kept, untried");
}

} // namespace postern::server

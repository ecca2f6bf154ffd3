#include "server/admin/queue_access.hpp"

#include "storage/errc.hpp"

namespace postern::server {

queue_access::queue_access(const conf::config& settings, terminal& with) : identity(settings.server) {
    if (!identity.trouble().empty()) {
        code = fail(with, exit_code::config, "server.user", identity.trouble());
        return;
    }
    auto opened = storage::queue::open_for_reading(storage::system_files(), settings.server.state_dir);
    if (opened)
        messages = std::move(*opened);
    else if (opened.error() != storage::storage_errc::not_found)
        code = fail(with, settings.server.state_dir, opened.error());
}

exit_code tell_damaged(terminal& with, storage::queue_id id) {
    return fail(with, exit_code::bad_data, id.to_string(), "its record is damaged; it is kept, untried");
}

} // namespace postern::server

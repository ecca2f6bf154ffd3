// Failures are all temporary here: they are tried again by the schedule, until the message expires.
#include "server/delivery/local_delivery.hpp"

#include "protocol/mail/trace_header.hpp"
#include "server/local_target.hpp"
#include "server/route.hpp"

#include <filesystem>
#include <fmt/format.h>

namespace postern::server {
using storage::queued_message;
using storage::storage_errc;

namespace {

constexpr std::size_t name_host_max = 100; // octets of our name in a file's: it must fit with all the rest

attempt_outcome setback(std::string_view code, std::string text) {
    return {attempt_outcome::kind::deferred, std::string(code), std::move(text), "maildir"};
}

std::string_view code_for(const boost::system::error_code& ec) {
    if (ec == storage_errc::over_quota) return "4.2.2";
    if (ec == storage_errc::no_space || ec == storage_errc::map_full) return "4.3.1";
    return "4.3.0";
}

// The folder of the template is never made: it may be the mount point of a store that is away.
std::string maildir_trouble(const storage::maildir_target& box, const boost::system::error_code& ec) {
    std::error_code ignored;
    if (ec == storage_errc::not_found && !std::filesystem::is_directory(box.base, ignored))
        return fmt::format("the folder of local.maildir is missing: {}", box.base);
    return "cannot be written to the Maildir: " + ec.message();
}

attempt_outcome deliver(const delivery_services& with, const conf::config& config,
                        const queued_message& message, std::size_t index) {
    const auto& to = message.recipients[index];
    std::uint64_t quota = 0;
    const auto box = with.accounts.find_mailbox(to.address);
    if (!box) return setback("4.3.0", "the mailbox cannot be looked up: " + box.error().message());
    if (*box) quota = (*box)->quota;
    auto body = with.queue.open_body(message);
    if (!body) return setback("4.3.0", "the stored message cannot be read: " + body.error().message());

    storage::maildir_delivery what;
    what.name = fmt::format("{}.Q{}R{}.{}", message.arrived / 1'000'000, message.id.to_string(), index,
                            config.server.hostname.substr(0, name_host_max));
    what.head = protocol::return_path_field(message.sender) + protocol::delivered_to_field(to.address) +
                fields_above(message, to.junk);
    if (to.junk) what.folder = config.local.junk_folder;
    what.body_size = message.size;
    const auto done = deliver_to_maildir(with.files, local_target(config, to.address, quota), what, **body);
    if (!done)
        return setback(code_for(done.error()),
                       maildir_trouble(local_target(config, to.address, quota), done.error()));
    return {attempt_outcome::kind::delivered, "2.0.0", "delivered to maildir", "maildir"};
}

// Those that no other server takes.
template <class Attempt>
void try_due(const delivery_services& with, const conf::config& config, queued_message& message,
             std::int64_t now, storage::recipient_route route, Attempt attempt) {
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto& to = message.recipients[i];
        if (to.route == route && is_due(config, to, now) && !has_next_hop(config, to))
            record_outcome(with, config, message, i, attempt(i));
    }
}

} // namespace

void deliver_to_maildirs(const delivery_services& with, const conf::config& config, queued_message& message,
                         std::int64_t now) {
    try_due(with, config, message, now, storage::recipient_route::local,
            [&](std::size_t i) { return deliver(with, config, message, i); });
}

void defer_outside_recipients(const delivery_services& with, const conf::config& config,
                              queued_message& message, std::int64_t now) {
    try_due(with, config, message, now, storage::recipient_route::outside, [](std::size_t) {
        return attempt_outcome{attempt_outcome::kind::deferred, "4.4.1",
                               "its address cannot be read; kept in the queue", "none"};
    });
}

} // namespace postern::server

// Failures are all temporary here: they are tried again by the schedule, and what is still undelivered when
// the time is up stays in the queue as failed, in sight of the operator. Nothing is dropped.
#include "server/delivery/local_delivery.hpp"

#include "protocol/mail/trace_header.hpp"
#include "server/clock.hpp"
#include "server/local_target.hpp"
#include "storage/schedule.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace postern::server {
using storage::queued_message;
using storage::queued_recipient;
using storage::recipient_state;
using storage::storage_errc;

namespace {

// Octets of the host in a Maildir file's name, which has 200 at most; the rest makes it unique.
constexpr std::size_t name_host_max = 150;

// What an attempt led to; no text = delivered.
struct setback {
    std::string_view code; // RFC 3463
    std::string text;
};

std::string_view code_for(const boost::system::error_code& ec) {
    if (ec == storage_errc::over_quota) return "4.2.2";
    if (ec == storage_errc::no_space || ec == storage_errc::map_full) return "4.3.1";
    return "4.3.0";
}

// The folder of the template is never made: it may be the mount point of a store that is away.
std::string maildir_trouble(const storage::maildir_target& box, const boost::system::error_code& ec) {
    if (ec == storage_errc::not_found)
        return fmt::format("the folder of local.maildir is missing: {}", box.base);
    return "cannot be written to the Maildir: " + ec.message();
}

setback deliver(const delivery_services& with, const conf::config& config, const queued_message& message,
                std::size_t index) {
    const auto& to = message.recipients[index];
    if (to.route == storage::recipient_route::outside)
        return {"4.4.1", "mail to other servers is not sent by this version; kept in the queue"};
    std::uint64_t quota = 0;
    const auto box = with.accounts.find_mailbox(to.address);
    if (!box) return {"4.3.0", "the mailbox cannot be looked up: " + box.error().message()};
    if (*box) quota = (*box)->quota;
    auto body = with.queue.open_body(message);
    if (!body) return {"4.3.0", "the stored message cannot be read: " + body.error().message()};

    storage::maildir_delivery what;
    what.name = fmt::format("{}.Q{}R{}.{}", message.arrived / 1'000'000, message.id.to_string(), index,
                            config.server.hostname.substr(0, name_host_max));
    what.head = protocol::return_path_field(message.sender) + protocol::delivered_to_field(to.address);
    what.body_size = message.size;
    const auto done = deliver_to_maildir(with.files, local_target(config, to.address, quota), what, **body);
    if (!done)
        return {code_for(done.error()),
                maildir_trouble(local_target(config, to.address, quota), done.error())};
    return {};
}

void note_setback(const conf::config& config, const queued_message& message, queued_recipient& to,
                  const setback& why, std::int64_t now) {
    const storage::retry_plan plan{config.queue.retry, config.queue.expire};
    to.last_reply = fmt::format("{} {}", why.code, why.text);
    to.last_reply.resize(std::min(to.last_reply.size(), storage::last_reply_max));
    if (storage::expired(plan, to.tries, message.arrived / 1'000'000, now))
        to.state = recipient_state::failed;
    else
        to.next_try = storage::next_try(plan, to.tries, now);
}

void log_attempt(const delivery_services& with, const queued_message& message, const queued_recipient& to,
                 std::string_view code) {
    const std::string id = message.id.to_string();
    log_record line;
    line.event = to.state == recipient_state::delivered ? log_event::delivered
                 : to.state == recipient_state::failed  ? log_event::failed
                                                        : log_event::deferred;
    line.session = message.session;
    line.queue_id = id;
    line.from = message.sender;
    line.has_from = true;
    line.to = to.address;
    if (to.original != to.address) line.original_to = to.original;
    line.relay = to.route == storage::recipient_route::local ? "maildir" : "none";
    line.status_code = code;
    line.reply =
        to.state == recipient_state::delivered ? std::string_view("delivered to maildir") : to.last_reply;
    line.tries = to.tries;
    line.delay = static_cast<double>(now_microseconds() - message.arrived) / 1e6;
    if (to.state != recipient_state::delivered) line.level = conf::log_level::warning;
    with.journal.write(line);
}

} // namespace

bool all_delivered(const queued_message& message) {
    return std::all_of(message.recipients.begin(), message.recipients.end(),
                       [](const queued_recipient& to) { return to.state == recipient_state::delivered; });
}

void attempt_delivery(const delivery_services& with, const conf::config& config, queued_message& message,
                      std::int64_t now) {
    const auto latest = storage::latest_due({config.queue.retry, config.queue.expire}, now);
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        auto& to = message.recipients[i];
        if (to.state != recipient_state::waiting) continue;
        if (to.next_try > now && to.next_try <= latest) continue;
        if (to.tries < std::numeric_limits<std::uint16_t>::max()) ++to.tries;
        const setback why = deliver(with, config, message, i);
        if (why.text.empty()) {
            to.state = recipient_state::delivered;
            to.last_reply = "2.0.0 delivered to maildir";
            with.counts.delivered.fetch_add(1, std::memory_order_relaxed);
        } else {
            note_setback(config, message, to, why, now);
            with.counts.deferred.fetch_add(1, std::memory_order_relaxed);
        }
        log_attempt(with, message, to, why.text.empty() ? "2.0.0" : why.code);
    }
}

} // namespace postern::server

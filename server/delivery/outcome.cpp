// A message that can't be delivered in time is never dropped: its sender is told (bouncer.hpp).
#include "server/delivery/outcome.hpp"

#include "server/clock.hpp"
#include "storage/schedule.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace postern::server {
using storage::queued_message;
using storage::queued_recipient;
using storage::recipient_state;

namespace {

storage::retry_plan plan_of(const conf::config& config) { return {config.queue.retry, config.queue.expire}; }

void note_deferral(const conf::config& config, const queued_message& message, queued_recipient& to,
                   std::int64_t now) {
    const auto plan = plan_of(config);
    if (storage::expired(plan, to.tries, message.arrived / 1'000'000, now))
        to.state = recipient_state::failed;
    else
        to.next_try = storage::next_try(plan, to.tries, now);
}

void log_outcome(const delivery_services& with, const queued_message& message, const queued_recipient& to,
                 const attempt_outcome& outcome) {
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
    line.relay = outcome.relay;
    line.status_code = outcome.code;
    line.reply = outcome.text;
    line.tries = to.tries;
    line.delay = static_cast<double>(now_microseconds() - message.arrived) / 1e6;
    if (to.state != recipient_state::delivered) line.level = conf::log_level::warning;
    with.journal.write(line);
}

} // namespace

void record_outcome(const delivery_services& with, const conf::config& config, queued_message& message,
                    std::size_t recipient, const attempt_outcome& outcome) {
    auto& to = message.recipients[recipient];
    if (to.tries < std::numeric_limits<std::uint16_t>::max()) ++to.tries;
    to.last_reply = fmt::format("{} {}", outcome.code, outcome.text);
    to.last_reply.resize(std::min(to.last_reply.size(), storage::last_reply_max));
    switch (outcome.what) {
    case attempt_outcome::kind::delivered: to.state = recipient_state::delivered; break;
    case attempt_outcome::kind::failed: to.state = recipient_state::failed; break;
    case attempt_outcome::kind::deferred: note_deferral(config, message, to, now_seconds()); break;
    }
    auto& counted = to.state == recipient_state::delivered ? with.counts.delivered
                    : to.state == recipient_state::failed  ? with.counts.failed
                                                           : with.counts.deferred;
    counted.fetch_add(1, std::memory_order_relaxed);
    log_outcome(with, message, to, outcome);
}

void give_up_all(const delivery_services& with, const conf::config& config, queued_message& message) {
    const attempt_outcome ended{attempt_outcome::kind::failed, "5.0.0",
                                "Returned by the operator of this host", "none"};
    for (std::size_t i = 0; i < message.recipients.size(); ++i)
        if (message.recipients[i].state == recipient_state::waiting)
            record_outcome(with, config, message, i, ended);
}

bool is_due(const conf::config& config, const queued_recipient& to, std::int64_t now) {
    if (to.state != recipient_state::waiting) return false;
    return to.next_try <= now || to.next_try > storage::latest_due(plan_of(config), now);
}

bool is_settled(const queued_message& message) {
    return std::none_of(message.recipients.begin(), message.recipients.end(),
                        [](const queued_recipient& to) { return to.state == recipient_state::waiting; });
}

} // namespace postern::server

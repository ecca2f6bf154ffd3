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

bool is_time(const conf::config& config, const queued_recipient& to, std::int64_t now) {
    return to.next_try <= now || to.next_try > storage::latest_due(plan_of(config), now);
}

void set_aside(const delivery_services& with, const conf::config& config, const queued_message& message,
               queued_recipient& to) {
    to.state = recipient_state::aside;
    to.next_try = storage::next_try(plan_of(config), std::numeric_limits<unsigned>::max(), now_seconds());
    with.journal.fault(fmt::format(
        "message {} for {} is set aside: it can't be handed over ({}), and its sender is not proved by SPF, "
        "so "
        "that nobody is told; see postern queue show, and release, bounce or delete it within {} days",
        message.id.to_string(), to.address, to.last_reply, aside_time.count() / 24));
}

// Log readers look for these names.
std::string_view transport_of(const queued_recipient& to, const attempt_outcome& outcome) {
    if (to.route == storage::recipient_route::outside) return "smtp";
    return outcome.relay == "maildir" || outcome.relay == "none" ? "virtual" : "lmtp";
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
    line.transport = transport_of(to, outcome);
    line.status_code = outcome.code;
    line.reply = outcome.text;
    line.tls = outcome.secured.word();
    line.tls_protocol = outcome.secured.protocol;
    line.tls_cipher = outcome.secured.cipher;
    line.tls_proof = outcome.secured.proof;
    line.tries = to.tries;
    line.delay = static_cast<double>(now_microseconds() - message.arrived) / 1e6;
    if (to.state != recipient_state::delivered) line.level = conf::log_level::warning;
    with.journal.write(line);
}

void note_try(queued_message& message, std::size_t recipient, const attempt_outcome& outcome) {
    storage::delivery_try made;
    made.recipient = static_cast<std::uint32_t>(recipient);
    made.number = message.recipients[recipient].tries;
    made.when = now_seconds();
    made.server = outcome.relay;
    made.code = outcome.code;
    made.text = outcome.text.substr(0, storage::try_text_max);
    made.tls = outcome.secured.to_string().substr(0, storage::try_tls_max);
    message.fresh_tries.push_back(std::move(made));
}

void count_destination(const delivery_services& with, const queued_recipient& to) {
    if (with.destinations == nullptr) return;
    using result = destination_counts::result;
    const auto what = to.state == recipient_state::delivered ? result::delivered
                      : to.state == recipient_state::waiting ? result::deferred
                                                             : result::failed;
    with.destinations->add(destination_of(to), what);
}

} // namespace

void record_outcome(const delivery_services& with, const conf::config& config, queued_message& message,
                    std::size_t recipient, const attempt_outcome& outcome) {
    auto& to = message.recipients[recipient];
    if (to.tries < std::numeric_limits<std::uint16_t>::max()) ++to.tries;
    note_try(message, recipient, outcome);
    to.last_reply = fmt::format("{} {}", outcome.code, outcome.text);
    to.last_reply.resize(std::min(to.last_reply.size(), storage::last_reply_max));
    switch (outcome.what) {
    case attempt_outcome::kind::delivered: to.state = recipient_state::delivered; break;
    case attempt_outcome::kind::failed: to.state = recipient_state::failed; break;
    case attempt_outcome::kind::deferred: note_deferral(config, message, to, now_seconds()); break;
    }
    if (to.state == recipient_state::failed && !outcome.by_operator && is_silent(message, to))
        set_aside(with, config, message, to);
    auto& counted = to.state == recipient_state::delivered ? with.counts.delivered
                    : to.state == recipient_state::failed  ? with.counts.failed
                    : to.state == recipient_state::aside   ? with.counts.set_aside
                                                           : with.counts.deferred;
    counted.fetch_add(1, std::memory_order_relaxed);
    count_destination(with, to);
    log_outcome(with, message, to, outcome);
}

bool is_silent(const queued_message& message, const queued_recipient& to) {
    return to.route == storage::recipient_route::outside && !message.sender.empty() &&
           message.proof == storage::sender_proof::unproved && !message.given_up;
}

void tend_aside(const delivery_services& with, const conf::config& config, queued_message& message,
                std::int64_t now) {
    const auto kept_until = message.arrived / 1'000'000 + std::chrono::seconds(aside_time).count();
    for (auto& to : message.recipients) {
        if (to.state == recipient_state::untold && is_time(config, to, now))
            to.state = recipient_state::failed;
        if (to.state != recipient_state::aside || !is_time(config, to, now)) continue;
        to.next_try = storage::next_try(plan_of(config), std::numeric_limits<unsigned>::max(), now);
        if (now < kept_until) continue;
        to.state = recipient_state::failed;
        with.counts.failed.fetch_add(1, std::memory_order_relaxed);
        with.journal.fault(
            fmt::format("message {} for {}, set aside {} days ago, is dropped, and nobody is told",
                        message.id.to_string(), to.address, aside_time.count() / 24));
    }
}

void give_up_all(const delivery_services& with, const conf::config& config, queued_message& message) {
    const attempt_outcome ended{attempt_outcome::kind::failed, "5.0.0",
                                "Returned by the operator of this host", "none", true};
    for (std::size_t i = 0; i < message.recipients.size(); ++i)
        if (message.recipients[i].state == recipient_state::waiting)
            record_outcome(with, config, message, i, ended);
}

bool is_due(const conf::config& config, const queued_recipient& to, std::int64_t now) {
    return to.state == recipient_state::waiting && is_time(config, to, now);
}

bool is_due(const conf::config& config, const queued_message& message, std::int64_t now) {
    if (message.given_up) return true;
    return !message.held && std::ranges::any_of(message.recipients, [&](const auto& to) {
        return storage::is_open(to) && is_time(config, to, now);
    });
}

std::int64_t told_of_wait_at(const conf::config& config, const queued_message& message) {
    const auto delay = config.queue.delay_notice.count(), end = config.queue.expire.count();
    const bool tells_of_delay = delay != 0 && !message.delay_told;
    return message.arrived / 1'000'000 + (tells_of_delay ? std::min(delay, end) : end);
}

std::string fields_above(const queued_message& message, bool junk) {
    return (junk ? "X-Spam-Flag: YES\r\n" : "") + message.result_fields;
}

bool is_settled(const queued_message& message) {
    return std::ranges::none_of(message.recipients, storage::is_open);
}

} // namespace postern::server

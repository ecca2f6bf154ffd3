// A message is in the active set from the moment it is taken until its result is durable, so that it is never
// tried twice at once. A result is written together with the notices that it causes; one that can't be
// written now is offered again, until then the message stays as it was, and a second delivery finds the
// first.
#include "server/queue_runner_impl.hpp"

#include "policy/submission/desk.hpp"
#include "server/clock.hpp"
#include "server/delivery/bouncer.hpp"
#include "server/delivery/local_delivery.hpp"
#include "server/delivery/next_hop_delivery.hpp"
#include "server/delivery/waiting_mail.hpp"
#include "server/insist.hpp"
#include "storage/schedule.hpp"

#include <algorithm>
#include <new>

namespace postern::server {
namespace {

constexpr std::chrono::seconds offer_again{5}; // a result that could not be written
constexpr std::size_t results_max = 64;        // that are written at a time
constexpr std::chrono::seconds aside_without_memory{1};
// Whoever is hung keeps at most a quarter of the places empty for so long.
constexpr std::chrono::milliseconds look_when_full{50};
constexpr std::size_t taken_at_once = 500; // in one look; others of the main thread have their turn then

destinations::limits bounds_of(const conf::relay_settings& relay) {
    return {relay.connections, relay.destination_connections, relay.destination_rate};
}

} // namespace

queue_runner::queue_runner(asio::any_io_executor main, live_snapshot& config, async_spool& spool,
                           under_way& attempts, delivery_services with, std::set<queue_id> never,
                           policy::resolver* names)
    : impl_(std::make_shared<impl>(std::move(main), config, spool, attempts, with, std::move(never), names)) {
}

queue_runner::~queue_runner() {
    stop();
    impl_->go();
}

void queue_runner::start() { impl_->start(); }

void queue_runner::impl::start() {
    hops.emplace(bounds_of(config.get()->config->relay), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    });
    primaries = std::make_shared<primary_keeper>(main, config, with.journal, names,
                                                 [weak = weak_from_this()](conf::relay_hop hop) {
                                                     if (const auto self = weak.lock()) self->hurry(hop);
                                                 });
    primaries->start();
    wake();
}

void queue_runner::wake() { impl_->wake(); }

// Any thread.
void queue_runner::impl::wake() {
    if (stopping || woken.exchange(true)) return;
    on_main([self = shared_from_this()] {
        self->woken = false;
        self->look();
    });
}

void queue_runner::arrived(std::span<const queue_id> ids) { impl_->arrived(ids); }

void queue_runner::look_again_at(queue_id id) {
    impl_->never.erase(id);
    impl_->unreadable.erase(id);
    impl_->arrived({&id, 1});
}

std::vector<destinations::view> queue_runner::look_at_destinations(std::size_t most) const {
    if (!impl_->hops) return {};
    return impl_->hops->look(most, std::chrono::steady_clock::now());
}

std::size_t queue_runner::set_aside() const { return impl_->never.size(); }

void queue_runner::drain() {
    impl_->draining = true;
    if (impl_->primaries) impl_->primaries->drain();
}

void queue_runner::stop() {
    impl_->stopping = true;
    impl_->timer.cancel();
    if (impl_->primaries) impl_->primaries->stop();
    impl_->pool.stop();
}

void queue_runner::impl::look() {
    try {
        look_now();
    } catch (const std::bad_alloc&) {
        insist([this] { look_in(std::chrono::seconds(1)); });
    }
}

// What has come, what has its turn at a destination and what is due are taken in turn, so that none of them
// keeps the others waiting.
void queue_runner::impl::look_now() {
    if (draining || stopping) return;
    const std::size_t at_once = config.get()->config->queue.deliveries;
    look_below = at_once - at_once / 4; // before it is asked whether all are taken
    hops->set_limits(bounds_of(config.get()->config->relay));
    bool more = true;
    for (std::size_t count = 0; more && count < taken_at_once && !is_full(at_once);) {
        more = false;
        for (const auto take_one : {&impl::take_arrived, &impl::take_from_lines, &impl::take_due}) {
            if (is_full(at_once)) break;
            const auto what = (this->*take_one)();
            if (what == taken::full) return look_in(std::chrono::seconds(1));
            if (what == taken::passed) return wake(); // others of the main thread have their turn
            if (what == taken::one) {
                more = true;
                ++count;
            }
        }
    }
    spool.hurry(at_writer >= results_max);
    if (more && !is_full(at_once)) return wake();
    if (more) return look_in(look_when_full);
    look_below = 0;
    sleep_until_due();
}

// An attempt that is over is none of those at a time while its result is written, nor is one that waits for
// next hops: they have bounds of their own (hop_places), and a primary that hangs keeps no Maildir waiting.
bool queue_runner::impl::is_full(std::size_t at_once) const {
    const std::size_t results = at_writer;
    return results >= results_max || active.size() >= at_once + results + conversing;
}

// False: it could not be begun.
bool queue_runner::impl::take(queue_id id, turn of) {
    if (!active.take(id)) return false;
    bool posted = false;
    ++running;
    try {
        posted = pool.try_post([self = shared_from_this(), id, of] { self->try_to_deliver(id, of); });
    } catch (const std::bad_alloc&) { // as if it were full
    }
    if (posted) return true;
    --running;
    active.end(id);
    return false;
}

// On a pool thread. Whom it was delivered to already is found at the next try.
void queue_runner::impl::try_to_deliver(queue_id id, turn of) {
    bool has_result = false;
    try {
        has_result = deliver(id, std::move(of));
    } catch (const std::bad_alloc&) {
        on_main([self = shared_from_this(), id] { self->set_aside(id, "no memory", aside_without_memory); });
    }
    const bool are_few = running.fetch_sub(1) <= look_below;
    if (has_result && are_few) wake(); // for several places at a time: each look asks the queue
}

// On a pool thread.
void queue_runner::impl::try_to_settle(std::shared_ptr<attempt> made) {
    try {
        settle(made);
    } catch (const std::bad_alloc&) {
        on_main([self = shared_from_this(), made] { self->again_later(made); });
    }
}

// The time that it was read with stands there: it goes with the record, unless the queue is damaged.
bool queue_runner::impl::is_still_due(queue_id id, const turn& of) const {
    if (!of.due || id.value == 0) return false;
    const auto there = with.queue.due_after({*of.due, {id.value - 1}}, *of.due, 1);
    return there && !there->empty() && there->front().id == id;
}

// On a pool thread. False: what ends it on the main thread looks again by itself.
bool queue_runner::impl::deliver(queue_id id, turn of) {
    auto found = with.queue.find(id);
    const bool is_gone = found && !*found;
    // Since its turn was given, it came, or its time due was read.
    if (is_gone && !is_still_due(id, of)) {
        on_main([self = shared_from_this(), id] {
            self->hops->forget(id);
            self->forget(id);
        });
        return false;
    }
    if (!found || !*found) {
        std::string why = found ? "it is due, and its record is gone" : found.error().message();
        on_main(
            [self = shared_from_this(), id, why = std::move(why)] { self->set_aside(id, why, look_again); });
        return false;
    }
    auto made = std::make_shared<attempt>(std::move(**found), config.get(), now_seconds());
    const bool has_turn = of.hop ? make_due_for(*made->under->config, *made->message, *of.hop, made->now)
                                 : is_due(*made->under->config, *made->message, made->now);
    if (!has_turn) {
        on_main([self = shared_from_this(), id] { self->forget(id); });
        return false;
    }
    made->note_untried();
    made->of = std::move(of);
    if (!is_of_suspended(*made->message)) return deliver(std::move(made));
    hold(std::move(made));
    return true;
}

// On a pool thread. Likewise.
bool queue_runner::impl::deliver(std::shared_ptr<attempt> made) {
    const auto& settings = *made->under->config;
    if (made->message->given_up) give_up_all(with, settings, *made->message);
    tend_aside(with, settings, *made->message, made->now);
    defer_outside_recipients(with, settings, *made->message, made->now);
    deliver_to_maildirs(with, settings, *made->message, made->now);
    if (has_next_hop_due(settings, *made->message, made->now)) {
        on_main([self = shared_from_this(), made] { self->hand_over(made); });
        return false;
    }
    made->ended = now_seconds();
    made->of.place.reset(); // nobody waits for it until the result is durable
    try_to_settle(made);
    return true;
}

// On a pool thread.
void queue_runner::impl::settle(std::shared_ptr<attempt> made) {
    auto message = *made->message; // a delay that was told of in vain must be told of again
    auto notices =
        notices_for(with, *made->under->config, made->under->resolving, message, made->before, made->ended);
    if (!notices) {
        with.journal.fault("no notice can be made of message " + made->message->id.to_string() + ": " +
                           notices.error().message());
        return on_main([self = shared_from_this(), made] { self->again_later(made); });
    }
    made->result.remove = is_settled(message);
    made->result.message = std::move(message);
    made->result.notices = std::move(*notices);
    ++at_writer;
    insist([this, &made] { write_result(made); });
}

// On the main thread.
void queue_runner::impl::post_settling(std::shared_ptr<attempt> made) {
    const bool posted = pool.try_post([self = shared_from_this(), made] {
        self->try_to_settle(made);
        self->wake();
    });
    if (!posted) again_later(std::move(made));
}

void queue_runner::impl::again_later(std::shared_ptr<attempt> made) {
    if (stopping) return;
    auto later = std::make_shared<asio::steady_timer>(main, offer_again);
    later->async_wait([self = shared_from_this(), made, later](error_code) {
        insist([self, made] { self->post_settling(made); });
    });
}

// Any thread: the writer takes it.
void queue_runner::impl::write_result(std::shared_ptr<attempt> made) {
    auto then = [self = shared_from_this(), made](error_code ec) {
        self->on_main([self, made, ec] { self->written(made, ec); });
    };
    storage::queue_operation operation = made->result;
    if (!spool.try_submit(std::move(operation), then)) then(make_error_code(storage::storage_errc::busy));
}

void queue_runner::impl::written(std::shared_ptr<attempt> made, error_code ec) {
    const bool is_hopeless = ec && storage::is_of_one(ec);
    if (ec && !is_hopeless && !stopping) {
        auto later = std::make_shared<asio::steady_timer>(main, offer_again);
        later->async_wait([self = shared_from_this(), made, later](error_code) {
            insist([self, made] { self->write_result(made); });
        });
        return;
    }
    if (is_hopeless) {
        give_up_writing(made->result.message.id, ec);
    } else {
        const auto& message = made->result.message;
        unreadable.erase(message.id);
        note_settled(*made);
        if (!ec && made->result.remove) {
            hops->forget(message.id);
            const std::string text = message.id.to_string();
            with.journal.write({.event = log_event::removed, .session = message.session, .queue_id = text});
        }
        forget(message.id);
    }
    --at_writer; // last: what is above begins again when it finds no memory
}

void queue_runner::impl::set_aside(queue_id id, const std::string& why, std::chrono::seconds wait) {
    const bool first = unreadable.insert_or_assign(id, std::chrono::steady_clock::now() + wait).second;
    if (first) with.journal.fault("message " + id.to_string() + " cannot be read: " + why);
    forget(id);
}

// Another attempt would end so as well, and be another delivery.
void queue_runner::impl::give_up_writing(queue_id id, error_code ec) {
    never.insert(id);
    with.journal.fault("message " + id.to_string() +
                       " was tried, and what came of it cannot be written: " + ec.message() +
                       "; it is not tried again before the next start, or until it is steered");
    forget(id);
}

void queue_runner::impl::forget(queue_id id) {
    active.end(id);
    wake();
}

void queue_runner::impl::look_in(std::chrono::milliseconds wait) {
    timer.expires_after(wait);
    timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec) self->look();
    });
}

// What can't be looked up is tried: it was accepted. What is given up is the operator's, who tells its
// sender.
bool queue_runner::impl::is_of_suspended(const storage::queued_message& message) const {
    if (with.sending == nullptr || message.account.empty() || message.given_up) return false;
    const auto found = with.sending->suspended.find(message.account);
    return found && *found;
}

// On a pool thread. Like an operator's hold; the account's release lets it go.
void queue_runner::impl::hold(std::shared_ptr<attempt> made) {
    made->message->held = true;
    made->ended = now_seconds();
    const auto id = made->message->id.to_string();
    const auto text = "placed on hold: " + made->message->account + " is suspended";
    with.journal.write(
        {.event = log_event::steered, .session = made->message->session, .queue_id = id, .text = text});
    made->of.place.reset();
    try_to_settle(std::move(made));
}

// The address, its mailbox or somebody's policy refused the copy (RFC 3463 §3.2, §3.3, §3.8). What failed for
// its age, for the network or by the operator's wish says nothing of the account.
bool queue_runner::impl::is_refused(const storage::queued_recipient& to) {
    if (to.state != storage::recipient_state::failed) return false;
    const std::string_view code = to.last_reply;
    return code.starts_with("5.1.") || code.starts_with("5.2.") || code.starts_with("5.7.");
}

// On the main thread: signs of a stolen account.
void queue_runner::impl::note_settled(const attempt& made) const {
    const auto& message = made.result.message;
    if (with.sending == nullptr || message.account.empty() || message.given_up) return;
    std::uint32_t delivered = 0, failed = 0;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto state = message.recipients[i].state;
        if (state == made.before[i]) continue;
        if (state == storage::recipient_state::delivered) ++delivered;
        if (is_refused(message.recipients[i])) ++failed;
    }
    policy::note_settled(*with.sending, message.account, delivered, failed, *made.under->config,
                         local_day(made.ended));
}

} // namespace postern::server

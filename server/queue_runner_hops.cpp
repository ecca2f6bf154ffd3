// What goes to other servers. A conversation holds a place at its hop; whoever finds none waits in the hop's
// line, without an attempt and without a slot of `queue.deliveries`. A message's hops are tried side by side,
// so that one that hangs keeps none of the others waiting.
#include "server/queue_runner_impl.hpp"

#include "server/clock.hpp"
#include "server/delivery/waiting_mail.hpp"
#include "server/insist.hpp"
#include "server/route.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <new>

namespace postern::server {
namespace {

constexpr std::chrono::seconds offer_again{5};

} // namespace

// All that waits for a hop: it is back, or its line was too long for memory.
void queue_runner::impl::hurry(conf::relay_hop back) {
    if (draining || stopping) return;
    bool posted = false;
    try {
        posted = pool.try_post([self = shared_from_this(), back] {
            try {
                self->find_waiting(back);
            } catch (const std::bad_alloc&) {
                insist([&] { self->on_main([self, back] { self->hurry_later(back); }); });
            }
        });
    } catch (const std::bad_alloc&) { // as if it were full
    }
    if (!posted) hurry_later(std::move(back));
}

void queue_runner::impl::hurry_later(conf::relay_hop back) {
    insist([&] {
        auto later = std::make_shared<asio::steady_timer>(main, offer_again);
        later->async_wait([self = shared_from_this(), back, later](error_code) { self->hurry(back); });
    });
}

// On a pool thread.
void queue_runner::impl::find_waiting(conf::relay_hop back) {
    auto found = waiting_for(with.queue, *config.get()->config, back);
    if (!found) return with.journal.fault("the queue cannot be read: " + found.error().message());
    auto ids = std::make_shared<const std::deque<queue_id>>(std::move(*found));
    on_main([self = shared_from_this(), back = std::move(back), ids = std::move(ids)] {
        for (const auto id : *ids) self->hops->wait(back, {id, {}, false, destinations::not_known});
        self->look();
    });
}

queue_runner::impl::taken queue_runner::impl::take_from_lines() {
    for (;;) {
        auto next = hops->next(std::chrono::steady_clock::now());
        if (!next) return taken::none;
        if (!primaries->why_away(next->hop).empty()) {
            // What is due is told so, and all is looked for when it is back.
            hops->clear(next->hop);
            frontier.reset();
            continue;
        }
        if (never.contains(next->id) || is_aside(next->id)) continue;
        if (!take_for(next->id, {next->hop, std::move(next->place)})) return taken::full;
        return taken::one;
    }
}

// False: it could not be begun, and stays in line.
bool queue_runner::impl::take_for(queue_id id, turn of) {
    const auto hop = *of.hop;
    if (active.has(id)) { // perhaps just put off
        active.when_ended(id, [self = shared_from_this(), id, hop] {
            self->hops->wait(hop, {id, {}, false, destinations::not_known});
            self->wake();
        });
        return true;
    }
    if (take(id, std::move(of))) return true;
    hops->wait(hop, {id, {}, false, destinations::not_known});
    return false;
}

// On the main thread, as is what follows.
void queue_runner::impl::hand_over(std::shared_ptr<attempt> made) {
    auto task = deliver_by_lmtp(network(made), primaries->client().client(), made->now);
    spawn(
        main, std::move(task),
        [this](std::string_view what) {
            with.journal.fault("a delivery ended by an exception: " + std::string(what));
        },
        [self = shared_from_this(), made] { insist([&] { self->hand_over_outside(made); }); });
}

// Begun again where memory ran out: each part is taken out once it is under way.
void queue_runner::impl::hand_over_outside(std::shared_ptr<attempt> made) {
    if (!made->parts) {
        made->parts = hop_parts(*made->under->config, *made->message, made->now);
        made->open = 1;
        ++conversing;
        wake(); // there is room for another
    }
    for (; !made->parts->empty(); made->parts->pop_back()) begin_part(made, made->parts->back());
    end_part(std::move(made));
}

std::string queue_runner::impl::why_not_now(const conf::relay_hop& hop) const {
    if (const auto away = primaries->why_away(hop); !away.empty()) return away_text(away);
    return hops->why_closed(hop, std::chrono::steady_clock::now());
}

void queue_runner::impl::begin_part(const std::shared_ptr<attempt>& made, const hop_part& part) {
    if (auto why = why_not_now(part.hop); !why.empty())
        return put_off(network(made), part, "4.4.1", std::move(why));
    auto place = made->of.hop == part.hop ? std::move(made->of.place) : nullptr;
    if (!place) place = hops->take(part.hop, std::chrono::steady_clock::now());
    if (!place) {
        const bool may_wait = hops->may_wait();
        if (may_wait) made->no_place_at.push_back(part.hop);
        // Whoever stands in line for so long that its sender is to be told is told why.
        if (!may_wait || told_of_wait_at(*made->under->config, *made->message) <= made->now)
            put_off(network(made), part, "4.4.5", "the next server has enough to do");
        return;
    }
    auto task = deliver_to_hop(network(made), primaries->client(), *this, part);
    ++made->open;
    try {
        spawn(
            main, std::move(task),
            [this](std::string_view what) {
                with.journal.fault("a delivery ended by an exception: " + std::string(what));
            },
            [self = shared_from_this(), made, place] { insist([&] { self->end_part(made); }); });
    } catch (...) { // nothing has begun
        --made->open;
        throw;
    }
}

void queue_runner::impl::end_part(std::shared_ptr<attempt> made) {
    if (made->open > 1) {
        --made->open;
        return;
    }
    end_parts(made);
    made->open = 0;
    --conversing;
}

// Its sender's crowd keeps nobody else waiting.
void queue_runner::impl::wait_in_lines(const attempt& made) {
    if (made.no_place_at.empty()) return;
    const auto& message = *made.message;
    destinations::in_line one{message.id, message.account.empty() ? message.sender : message.account, true,
                              0};
    std::vector<conf::relay_hop> lines; // where somebody still waits: others have failed for their age
    for (const auto& to : message.recipients) {
        using state = storage::recipient_state;
        if (!storage::is_open(to)) continue;
        const bool waits = to.state == state::waiting;
        if (waits && to.tries != 0) one.is_fresh = false;
        const auto hop = waits ? hop_for(*made.under->config, to) : std::nullopt;
        const bool is_here = hop && std::ranges::find(made.no_place_at, *hop) != made.no_place_at.end();
        if (is_here && std::ranges::find(lines, *hop) == lines.end()) lines.push_back(*hop);
        // At the end of its own wait as well: nobody's turn may come too late for a word to the sender.
        const bool is_in_line = is_here && is_due(*made.under->config, to, made.now);
        const auto at = is_in_line ? told_of_wait_at(*made.under->config, message) : to.next_try;
        one.also_due = one.also_due == 0 ? at : std::min(one.also_due, at);
    }
    for (const auto& hop : lines) hops->wait(hop, one);
}

// How it went with a hop.
void queue_runner::impl::tried(const conf::relay_hop& hop, const hop_result& how) {
    const auto now = std::chrono::steady_clock::now();
    const bool watched = primaries->watches(hop);
    // One that was there a moment ago and refuses for now has enough to do: connections, or logins.
    if (watched && how.is_busy && hops->was_there(hop, now)) return hops->asked_for_less(hop);
    if (watched) primaries->tried(hop, how.away);
    if (how.away.empty() && how.is_busy) hops->asked_for_less(hop);
    if (how.away.empty() && !how.is_busy) hops->went_well(hop, now);
    if (how.away.empty() || watched) return;
    if (hops->went_badly(hop, how.away, now))
        with.journal.note(fmt::format("{} is away: {}; its mail waits", hop.to_string(), how.away));
}

// Whoever waits for a place is in line before it can be taken again.
void queue_runner::impl::end_parts(std::shared_ptr<attempt> made) {
    wait_in_lines(*made);
    made->of.place.reset();
    made->ended = now_seconds();
    if (made->changed())
        post_settling(std::move(made));
    else
        forget(made->message->id);
}

} // namespace postern::server

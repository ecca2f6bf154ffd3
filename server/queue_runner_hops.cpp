// What goes to other servers. A conversation holds a place at its hop; whoever finds none waits in the hop's
// line, without an attempt and without a slot of `queue.deliveries`. A message's hops are tried side by side,
// so that one that hangs keeps none of the others waiting.
#include "server/queue_runner_impl.hpp"

#include "server/clock.hpp"
#include "server/delivery/waiting_mail.hpp"
#include "server/insist.hpp"

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
        for (const auto id : *ids) self->lines.add(back, id);
        self->look();
    });
}

// True: there are more than may be tried at once.
bool queue_runner::impl::take_from_lines(std::size_t at_once) {
    for (const auto& hop : lines.hops()) {
        if (!primaries->why_away(hop).empty())
            lines.clear(hop); // gone again: what is due is told so, and all is looked for when it is back
        else if (take_from_line(hop, at_once))
            return true;
        else if (lines.drained(hop))
            hurry(hop);
    }
    return false;
}

bool queue_runner::impl::take_from_line(const conf::relay_hop& hop, std::size_t at_once) {
    for (;;) {
        if (is_full(at_once)) return true;
        turn of{hop, places->take(hop.to_string())};
        if (!of.place) return false;
        const auto id = lines.pop(hop);
        if (!id) return false;
        if (never.contains(*id) || unreadable.contains(*id)) continue;
        if (!take_for(*id, std::move(of))) return true;
    }
}

// False: it could not be begun, and stays in line.
bool queue_runner::impl::take_for(queue_id id, turn of) {
    const auto hop = *of.hop;
    if (active.has(id)) { // perhaps just put off
        active.when_ended(id, [self = shared_from_this(), id, hop] {
            self->lines.add(hop, id);
            self->wake();
        });
        return true;
    }
    if (take(id, std::move(of))) return true;
    lines.add(hop, id);
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
    }
    for (; !made->parts->empty(); made->parts->pop_back()) begin_part(made, made->parts->back());
    end_part(std::move(made));
}

void queue_runner::impl::begin_part(const std::shared_ptr<attempt>& made, const hop_part& part) {
    if (const auto why = primaries->why_away(part.hop); !why.empty())
        return put_off(network(made), part, "4.4.1", away_text(why));
    auto place = made->of.hop == part.hop ? std::move(made->of.place) : places->take(part.hop.to_string());
    if (!place && lines.may_park(part.hop)) return made->no_place_at.push_back(part.hop);
    if (!place) {
        lines.overflow(part.hop);
        return put_off(network(made), part, "4.4.5", "the next server has enough to do");
    }
    auto task = deliver_to_hop(network(made), primaries->client(), *primaries, part);
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

// Whoever waits for a place is in line before it can be taken again.
void queue_runner::impl::end_parts(std::shared_ptr<attempt> made) {
    for (const auto& hop : made->no_place_at) lines.park(hop, made->message->id);
    made->of.place.reset();
    made->ended = now_seconds();
    if (made->changed())
        post_settling(std::move(made));
    else
        forget(made->message->id);
}

} // namespace postern::server

// A line is a set ordered by turns (start-time fair queuing): a message's turn is one step after its sender's
// last one, and never before the turn that the line has come to. A destination with a line is in `ring` when
// its next message may go now or is to be put off, in `timed` when it must wait for a time (the rate), and in
// neither while all its connections are taken.
#include "server/delivery/destinations.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

namespace postern::server {
using storage::queue_id;
using time_point = destinations::time_point;

namespace {

constexpr std::uint64_t step_fresh = 1, step_again = 8;
constexpr std::size_t error_max = 300; // octets kept of the last error
constexpr std::chrono::microseconds a_minute{60'000'000};

struct waiting_one {
    std::uint64_t turn = 0;
    queue_id id;
    std::uint64_t sender = 0;
    auto operator<=>(const waiting_one&) const = default;
};
// Where a message stands in one line, and when it is to be looked at all the same.
struct place_in_line {
    std::uint64_t turn = 0, sender = 0;
    std::int64_t also_due = 0;
};
struct lane {
    std::uint64_t last_turn = 0;
    std::size_t waiting = 0;
};

struct destination {
    conf::relay_hop hop;
    std::set<waiting_one> line;
    std::map<std::uint64_t, lane> lanes; // of the senders in line
    std::uint64_t turn = 0;              // that the line has come to
    std::size_t taken = 0;
    double allowed = destinations::connections_first;
    unsigned failures = 0;
    time_point closed_until{};
    time_point next_message{}; // by the rate
    std::optional<time_point> well_at{};
    std::string last_error;
    // Where it stands.
    enum class standing { apart, ready, timed } is = standing::apart;
    std::list<destination*>::iterator in_ring{};
    time_point timed_at{};
    // Its nodes, while it isn't there: moving it needs no memory, so that nothing can fail halfway.
    std::list<destination*> ring_node;
    std::set<std::pair<time_point, destination*>>::node_type timed_node;

    bool is_idle() const { return line.empty() && taken == 0; }
    bool was_there(time_point now) const {
        return well_at && now - *well_at < destinations::lately && allowed >= 2;
    }
};

std::string name_of(const conf::relay_hop& hop) { return hop.to_string(); }

} // namespace

struct destinations::state : std::enable_shared_from_this<state> {
    state(limits b, std::function<void()> then) : bounds(b), freed(std::move(then)) {}

    limits bounds;
    const std::function<void()> freed;
    mutable std::mutex mutex; // of what follows
    std::unordered_map<std::string, destination> all;
    std::list<destination*> ring;
    std::set<std::pair<time_point, destination*>> timed;
    std::map<std::pair<queue_id, destination*>, place_in_line> waiting;
    std::size_t taken = 0;

    destination* find(const conf::relay_hop& hop) {
        const auto at = all.find(name_of(hop));
        return at == all.end() ? nullptr : &at->second;
    }
    destination& get(const conf::relay_hop& hop) {
        if (all.size() >= remembered_max) forget_idle();
        auto& made = all[name_of(hop)];
        made.hop = hop;
        if (made.is != destination::standing::ready && made.ring_node.empty())
            made.ring_node.push_back(&made);
        if (made.is != destination::standing::timed && made.timed_node.empty()) {
            std::set<std::pair<time_point, destination*>> one{{time_point{}, &made}};
            made.timed_node = one.extract(one.begin());
        }
        return made;
    }
    void forget_idle() {
        std::erase_if(all, [](const auto& one) {
            return one.second.is_idle() && one.second.is == destination::standing::apart;
        });
    }
    std::size_t allowed(const destination& at) const {
        return std::max<std::size_t>(1, std::min(static_cast<std::size_t>(at.allowed), bounds.each));
    }
    time_point next_by_rate(const destination& at) const {
        return bounds.rate == 0 ? time_point{} : at.next_message;
    }
    void stand_apart(destination& at) {
        if (at.is == destination::standing::ready)
            at.ring_node.splice(at.ring_node.begin(), ring, at.in_ring);
        if (at.is == destination::standing::timed) at.timed_node = timed.extract({at.timed_at, &at});
        at.is = destination::standing::apart;
    }
    // Where it belongs now; behind all others in the ring.
    void settle(destination& at, time_point now) {
        stand_apart(at);
        const bool closed = at.closed_until > now;
        if (at.line.empty() || (!closed && at.taken >= allowed(at))) return;
        if (const auto from = next_by_rate(at); !closed && from > now) {
            at.timed_at = from;
            at.timed_node.value() = {from, &at};
            timed.insert(std::move(at.timed_node));
            at.is = destination::standing::timed;
        } else {
            at.in_ring = at.ring_node.begin();
            ring.splice(ring.end(), at.ring_node);
            at.is = destination::standing::ready;
        }
    }
    void wake_timed(time_point now) {
        while (!timed.empty() && timed.begin()->first <= now) settle(*timed.begin()->second, now);
    }
    // Counted by the place, so that it is given back whatever happens.
    place hand_out(destination& at, time_point now);
    void give_back(const std::string& name);
    queue_id pop(destination& at);
    static void leave(destination& at, const waiting_one& one);
    auto places_of(queue_id id) { // [first, last) in `waiting`
        auto first = waiting.lower_bound({id, nullptr}), last = first;
        while (last != waiting.end() && last->first.first == id) ++last;
        return std::pair(first, last);
    }
};

namespace {

struct held {
    std::function<void()> give_back;
    ~held() {
        if (give_back) give_back();
    }
};

} // namespace

// All memory before anything is counted.
destinations::place destinations::state::hand_out(destination& at, time_point now) {
    auto made = std::make_shared<held>();
    made->give_back = [self = shared_from_this(), name = name_of(at.hop)] { self->give_back(name); };
    ++at.taken;
    ++taken;
    if (bounds.rate != 0)
        at.next_message = std::max(now, at.next_message) + a_minute / static_cast<long>(bounds.rate);
    return made;
}

void destinations::state::give_back(const std::string& name) {
    {
        const std::lock_guard lock(mutex);
        auto& at = all.find(name)->second; // it isn't forgotten while a place is taken
        --at.taken;
        --taken;
        settle(at, std::chrono::steady_clock::now());
    }
    freed();
}

void destinations::state::leave(destination& at, const waiting_one& one) {
    at.line.erase(one);
    if (const auto own = at.lanes.find(one.sender); --own->second.waiting == 0) at.lanes.erase(own);
}

queue_id destinations::state::pop(destination& at) {
    const auto first = *at.line.begin();
    at.turn = first.turn;
    waiting.erase({first.id, &at});
    leave(at, first);
    return first.id;
}

destinations::destinations(limits bounds, std::function<void()> freed)
    : state_(std::make_shared<state>(bounds, std::move(freed))) {}

void destinations::set_limits(limits bounds) {
    const std::lock_guard lock(state_->mutex);
    bounds.all = state_->bounds.all; // what serves them was made for as many
    if (bounds == state_->bounds) return;
    state_->bounds = bounds;
    const auto now = std::chrono::steady_clock::now();
    for (auto& [name, at] : state_->all) state_->settle(at, now);
}

destinations::place destinations::take(const conf::relay_hop& hop, time_point now) {
    const std::lock_guard lock(state_->mutex);
    if (state_->taken >= state_->bounds.all) return nullptr;
    auto& at = state_->get(hop);
    const bool may = at.line.empty() && at.taken < state_->allowed(at) &&
                     std::max(at.closed_until, state_->next_by_rate(at)) <= now;
    return may ? state_->hand_out(at, now) : nullptr;
}

std::string destinations::why_closed(const conf::relay_hop& hop, time_point now) const {
    const std::lock_guard lock(state_->mutex);
    const auto* at = state_->find(hop);
    return at == nullptr || at->closed_until <= now ? std::string() : at->last_error;
}

bool destinations::may_wait() const {
    const std::lock_guard lock(state_->mutex);
    return state_->waiting.size() < waiting_max;
}

void destinations::wait(const conf::relay_hop& hop, const in_line& message) {
    const std::lock_guard lock(state_->mutex);
    auto& at = state_->get(hop);
    const auto [mine, is_new] = state_->waiting.try_emplace({message.id, &at});
    try {
        if (is_new) {
            const auto sender = std::hash<std::string>{}(message.sender);
            auto& own = at.lanes[sender];
            const auto turn = std::max(own.last_turn, at.turn) + (message.is_fresh ? step_fresh : step_again);
            at.line.insert({turn, message.id, sender});
            own.last_turn = turn;
            ++own.waiting;
            mine->second = {turn, sender, message.also_due};
        }
    } catch (...) { // who is in no line must not count as waiting
        state_->waiting.erase(mine);
        throw;
    }
    const auto [first, last] = state_->places_of(message.id);
    if (message.also_due != not_known)
        for (auto one = first; one != last; ++one) one->second.also_due = message.also_due;
    if (is_new && at.line.size() == 1) state_->settle(at, std::chrono::steady_clock::now());
}

bool destinations::is_waiting(queue_id id, std::int64_t now) const {
    const std::lock_guard lock(state_->mutex);
    const auto [first, last] = state_->places_of(id);
    return first != last && std::none_of(first, last, [now](const auto& one) {
               return one.second.also_due != 0 && one.second.also_due <= now;
           });
}

void destinations::forget(queue_id id) {
    const std::lock_guard lock(state_->mutex);
    const auto now = std::chrono::steady_clock::now();
    const auto [first, last] = state_->places_of(id);
    for (auto one = first; one != last; ++one) {
        auto& at = *one->first.second;
        state::leave(at, {one->second.turn, id, one->second.sender});
        if (at.line.empty()) state_->settle(at, now);
    }
    state_->waiting.erase(first, last);
}

void destinations::clear(const conf::relay_hop& hop) {
    const std::lock_guard lock(state_->mutex);
    auto* at = state_->find(hop);
    if (at == nullptr) return;
    for (const auto& one : at->line) state_->waiting.erase({one.id, at});
    at->line.clear();
    at->lanes.clear();
    state_->stand_apart(*at);
}

std::size_t destinations::waiting() const {
    const std::lock_guard lock(state_->mutex);
    return state_->waiting.size();
}

std::optional<destinations::turn> destinations::next(time_point now) {
    const std::lock_guard lock(state_->mutex);
    state_->wake_timed(now);
    // One that was closed when it came into the ring may have to wait now, as the others.
    while (!state_->ring.empty()) {
        auto& first = *state_->ring.front();
        const bool waits = first.taken >= state_->allowed(first) || state_->next_by_rate(first) > now;
        if (first.closed_until > now || !waits) break;
        state_->settle(first, now);
    }
    if (state_->ring.empty()) return std::nullopt;
    auto& at = *state_->ring.front();
    turn made{at.hop, {}, nullptr};
    if (at.closed_until <= now) {
        if (state_->taken >= state_->bounds.all) return std::nullopt;
        made.place = state_->hand_out(at, now);
    }
    made.id = state_->pop(at);
    state_->settle(at, now);
    return made;
}

std::optional<time_point> destinations::opens_at() const {
    const std::lock_guard lock(state_->mutex);
    if (state_->timed.empty()) return std::nullopt;
    return state_->timed.begin()->first;
}

bool destinations::was_there(const conf::relay_hop& hop, time_point now) const {
    const std::lock_guard lock(state_->mutex);
    const auto* at = state_->find(hop);
    return at != nullptr && at->was_there(now);
}

void destinations::went_well(const conf::relay_hop& hop, time_point now) {
    const std::lock_guard lock(state_->mutex);
    auto& at = state_->get(hop);
    if (at.failures != 0) at.allowed = connections_first;
    at.failures = 0;
    at.closed_until = {};
    at.well_at = now;
    at.last_error.clear();
    at.allowed = std::min(at.allowed + 1 / at.allowed, static_cast<double>(state_->bounds.each));
    if (at.is != destination::standing::ready) state_->settle(at, now);
}

void destinations::asked_for_less(const conf::relay_hop& hop) {
    const std::lock_guard lock(state_->mutex);
    auto& at = state_->get(hop);
    at.allowed = std::max(1.0, at.allowed / 2);
}

bool destinations::went_badly(const conf::relay_hop& hop, std::string why, time_point now) {
    const std::lock_guard lock(state_->mutex);
    auto& at = state_->get(hop);
    at.last_error = std::move(why);
    at.last_error.resize(std::min(at.last_error.size(), error_max));
    if (at.closed_until > now) return false; // tries that began before it was closed
    const bool was_there = at.was_there(now);
    at.allowed = std::max(1.0, at.allowed / 2);
    if (was_there) return false;
    at.allowed = 1;
    const bool is_news = at.failures == 0;
    auto wait = closed_first;
    for (unsigned i = 0; i < at.failures && wait < closed_max; ++i) wait *= 2;
    ++at.failures;
    at.closed_until = now + std::min(wait, closed_max);
    state_->settle(at, now);
    return is_news;
}

std::vector<destinations::view> destinations::look(std::size_t most, time_point now) const {
    std::vector<view> made;
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, at] : state_->all) {
        if (at.is_idle() && at.failures == 0) continue;
        const auto closed = at.closed_until > now
                                ? std::chrono::ceil<std::chrono::seconds>(at.closed_until - now)
                                : std::chrono::seconds(0);
        made.push_back(
            {name, at.line.size(), at.taken, state_->allowed(at), at.failures, closed, at.last_error});
    }
    std::ranges::sort(made, std::ranges::greater{}, &view::waiting);
    made.resize(std::min(made.size(), most));
    return made;
}

} // namespace postern::server

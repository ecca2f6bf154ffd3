// What is to be taken next: what has just come, and what is due.
#include "server/queue_runner_impl.hpp"

#include "server/clock.hpp"
#include "storage/schedule.hpp"

#include <algorithm>
#include <limits>
#include <new>

namespace postern::server {
namespace {

constexpr std::size_t arrivals_max = 10'000; // the last ones; those before are read as due
constexpr std::size_t read_ahead_max = 1000; // times due that are read at once
// All times due are read again: soon, or later where a crowd of them waits for its turn.
constexpr std::chrono::seconds all_again_soon{1}, all_again{60};
constexpr std::size_t crowd = 10'000;
constexpr std::chrono::seconds look_at_lines{5}; // somebody who stands there may have to be told something

} // namespace

// Any thread.
void queue_runner::impl::arrived(std::span<const queue_id> ids) {
    try {
        const std::lock_guard held(arrivals_guard);
        for (const auto id : ids) arrivals.push_back(id);
        while (arrivals.size() > arrivals_max) arrivals.pop_front(); // they are read as due
    } catch (const std::bad_alloc&) {                                // they are read as due
    }
    wake();
}

queue_runner::impl::taken queue_runner::impl::take_arrived() {
    for (;;) {
        queue_id id;
        {
            const std::lock_guard held(arrivals_guard);
            if (arrivals.empty()) return taken::none;
            id = arrivals.back(); // the newest: behind a crowd it would wait as long as the crowd
            arrivals.pop_back();
        }
        if (active.has(id) || never.contains(id)) continue;
        if (take(id, {})) return taken::one;
        read_ahead.push_front({0, id});
        return taken::full;
    }
}

// More times due, behind those that were read before. False: there are none.
bool queue_runner::impl::read_due() {
    const auto now_config = config.get()->config;
    const auto now = now_seconds();
    const auto steady = std::chrono::steady_clock::now();
    const bool is_crowded = hops->waiting() > crowd;
    // A clock that was set back says nothing of what was read before.
    if (steady >= read_again || now < read_at) {
        read_again = steady + (is_crowded ? all_again : all_again_soon);
        frontier.reset();
    }
    read_at = now;
    // A time that no plan gives was written under a clock that was ahead: it would be kept for as long as
    // that.
    const storage::retry_plan plan{now_config->queue.retry, now_config->queue.expire};
    const auto latest = storage::latest_due(plan, now);
    auto due = with.queue.due_after(frontier.value_or(storage::before_all), now, read_ahead_max);
    auto ahead = frontier ? result<std::vector<storage::due_message>>(std::vector<storage::due_message>())
                          : with.queue.due_after({latest + 1, {}}, std::numeric_limits<std::int64_t>::max(),
                                                 read_ahead_max);
    if (due && !ahead) due = ahead.error();
    if (!due) {
        with.journal.fault("the queue cannot be read: " + due.error().message());
        return false;
    }
    read_ahead.insert(read_ahead.end(), ahead->begin(), ahead->end());
    read_ahead.insert(read_ahead.end(), due->begin(), due->end());
    if (!due->empty()) frontier = due->back();
    if (!frontier) frontier.emplace(now, queue_id{});
    return !read_ahead.empty();
}

// It couldn't be read a moment ago.
bool queue_runner::impl::is_aside(queue_id id) const {
    const auto at = unreadable.find(id);
    return at != unreadable.end() && std::chrono::steady_clock::now() < at->second;
}

queue_runner::impl::taken queue_runner::impl::take_due() {
    const auto now_unix = now_seconds();
    for (std::size_t count = 0; count < read_ahead_max; ++count) {
        if (read_ahead.empty() && !read_due()) return taken::none;
        const auto [due, id] = read_ahead.front();
        if (active.has(id) || never.contains(id) || is_aside(id) || hops->is_waiting(id, now_unix)) {
            read_ahead.pop_front();
            continue;
        }
        if (!take(id, {std::nullopt, nullptr, due})) return taken::full;
        read_ahead.pop_front();
        return taken::one;
    }
    return taken::passed;
}

void queue_runner::impl::sleep_until_due() {
    if (stopping) return;
    auto wait = std::chrono::milliseconds(look_again);
    const auto next = with.queue.next_due(frontier.value_or(storage::before_all));
    if (next && *next) {
        const auto left = std::chrono::seconds(**next - now_seconds());
        wait = std::clamp<std::chrono::milliseconds>(left, std::chrono::seconds(1), wait);
    }
    if (const auto opens = hops->opens_at()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*opens - std::chrono::steady_clock::now());
        wait = std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), wait);
    }
    if (hops->waiting() != 0) wait = std::min<std::chrono::milliseconds>(wait, look_at_lines);
    look_in(wait);
}

} // namespace postern::server

// What a queue runner is made of; private to queue_runner.cpp.
#pragma once

#include "server/delivery/hop_watch.hpp"
#include "server/delivery/next_hop_delivery.hpp"
#include "server/insist.hpp"
#include "server/offload_pool.hpp"
#include "server/primary_keeper.hpp"
#include "server/queue_runner.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <mutex>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;
using storage::queue_id;

// For whom a message is tried out of its turn, with a place there. No hop: it is due.
struct turn {
    std::optional<conf::relay_hop> hop;
    destinations::place place;
    std::optional<std::int64_t> due = std::nullopt; // that it was read with
};

// One try at one message, from the queue and back into it. Owned by whoever works on it.
struct attempt {
    attempt(storage::queued_message of, std::shared_ptr<const snapshot> settings, std::int64_t when)
        : message(std::make_shared<storage::queued_message>(std::move(of))), under(std::move(settings)),
          now(when) {
        for (const auto& to : message->recipients) before.push_back(to.state);
        note_untried();
    }
    void note_untried() {
        untried.clear();
        for (const auto& to : message->recipients) untried.emplace_back(to.tries, to.next_try);
    }
    std::shared_ptr<storage::queued_message> message;
    std::shared_ptr<const snapshot> under;
    std::int64_t now; // of its beginning; unix seconds, as is `ended`
    std::int64_t ended = 0;
    std::vector<storage::recipient_state> before;
    std::vector<std::pair<std::uint16_t, std::int64_t>>
        untried; // tries and next_try before anybody was tried
    storage::settle_message result;
    // The main thread's, while its parts for other servers are under way.
    turn of;
    std::optional<std::vector<hop_part>> parts; // not begun yet
    std::size_t open = 0;                       // begun and not ended, and one while they are begun
    std::vector<conf::relay_hop> no_place_at;

    // Anybody was tried: there is a result.
    bool changed() const {
        for (std::size_t i = 0; i < message->recipients.size(); ++i) {
            const auto& [tries, next_try] = untried[i];
            const auto& to = message->recipients[i];
            if (to.state != before[i] || to.tries != tries || to.next_try != next_try) return true;
        }
        return false;
    }
};

struct queue_runner::impl final : hop_observer, std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor on, live_snapshot& c, async_spool& s, under_way& a, delivery_services w,
         std::set<queue_id> damaged, policy::resolver* dns)
        : main(std::move(on)), timer(main), config(c), spool(s), active(a), with(w),
          never(std::move(damaged)), names(dns),
          pool(c.get()->config->queue.deliveries, jobs_max(*c.get()->config)) {}

    // A conversation that finds no room for its next block is broken off: each has a job, and each may have
    // ended and another begun; so may each probe, and then a look for what waits.
    static std::size_t jobs_max(const conf::config& with) {
        return with.queue.deliveries + 2 * with.relay.connections + hop_watch::probes_max;
    }

    // At the latest, whatever the schedule says (a clock may jump).
    static constexpr std::chrono::seconds look_again{30};

    void start();
    void wake();
    void arrived(std::span<const queue_id> ids);
    void look();
    void look_now();
    void look_in(std::chrono::milliseconds wait);
    bool is_full(std::size_t at_once) const;
    enum class taken { one, none, full, passed }; // passed: many that wait for something else
    taken take_arrived();
    taken take_due();
    bool read_due();
    bool is_aside(queue_id id) const;
    bool take(queue_id id, turn of);
    bool is_still_due(queue_id id, const turn& of) const;
    bool deliver(queue_id id, turn of);
    void try_to_deliver(queue_id id, turn of);
    bool deliver(std::shared_ptr<attempt> made);
    // queue_runner_hops.cpp
    void hurry(conf::relay_hop back);
    void hurry_later(conf::relay_hop back);
    void find_waiting(conf::relay_hop back);
    taken take_from_lines();
    bool take_for(queue_id id, turn of);
    void hand_over(std::shared_ptr<attempt> made);
    void hand_over_outside(std::shared_ptr<attempt> made);
    void begin_part(const std::shared_ptr<attempt>& made, const hop_part& part);
    void end_part(std::shared_ptr<attempt> made);
    void end_parts(std::shared_ptr<attempt> made);
    std::string why_not_now(const conf::relay_hop& hop) const; // "" = it can be tried
    void wait_in_lines(const attempt& made);
    void tried(const conf::relay_hop& hop, const hop_result& how) override;
    network_delivery network(const std::shared_ptr<attempt>& made) {
        return {with, pool, made->under->config, made->message};
    }

    void try_to_settle(std::shared_ptr<attempt> made);
    void post_settling(std::shared_ptr<attempt> made);
    // From any thread.
    template <class Work> void on_main(Work work) {
        insist([this, &work] { add_for_main(work); });
        tell_main();
    }
    void add_for_main(std::function<void()> work);
    void tell_main();
    void work_on_main();
    void go();
    void settle(std::shared_ptr<attempt> made);
    void again_later(std::shared_ptr<attempt> made);
    void write_result(std::shared_ptr<attempt> made);
    void written(std::shared_ptr<attempt> made, error_code ec);
    void set_aside(queue_id id, const std::string& why, std::chrono::seconds wait);
    void give_up_writing(queue_id id, error_code ec);
    void forget(queue_id id);
    bool is_of_suspended(const storage::queued_message& message) const;
    void hold(std::shared_ptr<attempt> made);
    static bool is_refused(const storage::queued_recipient& to);
    void note_settled(const attempt& made) const;
    void sleep_until_due();

    asio::any_io_executor main;
    asio::steady_timer timer;
    live_snapshot& config;
    async_spool& spool;
    under_way& active; // the main thread's
    delivery_services with;
    std::set<queue_id> never; // damaged
    // Those that couldn't be read, each told of once, and when to look at it again. At most as many as are
    // due.
    std::map<queue_id, std::chrono::steady_clock::time_point> unreadable;
    std::atomic<std::size_t> at_writer{0};  // results, of those in `active`; more on any thread, less on main
    std::atomic<std::size_t> running{0};    // attempts on the pool's threads
    std::atomic<std::size_t> look_below{0}; // more waits: who ends looks again when so few run, or fewer
    std::atomic<bool> woken{false}, main_told{false};
    std::mutex for_main_guard; // of what follows
    std::vector<std::function<void()>> for_main;
    bool gone = false;         // nobody works for it any more
    std::mutex arrivals_guard; // of what follows
    std::deque<queue_id> arrivals;
    // The main thread's: how far the times due have been read, and what was read and is not taken yet. What
    // stands behind the frontier has come since, or was put off until then; all is read again from time to
    // time.
    std::optional<storage::due_message> frontier;
    std::deque<storage::due_message> read_ahead;
    std::int64_t read_at = 0; // unix seconds
    std::chrono::steady_clock::time_point read_again{};
    bool draining = false;
    std::atomic<bool> stopping{false}; // set on main
    std::size_t conversing =
        0; // attempts that do nothing but wait for hops: they are none of those at a time
    std::optional<destinations> hops;          // from start() on
    std::shared_ptr<primary_keeper> primaries; // likewise
    policy::resolver* names;
    offload_pool pool; // last: its threads end before the rest goes
};

} // namespace postern::server

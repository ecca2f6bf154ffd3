// What a queue runner is made of; private to queue_runner.cpp.
#pragma once

#include "server/offload_pool.hpp"
#include "server/primary_keeper.hpp"
#include "server/queue_runner.hpp"

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;
using storage::queue_id;

// One try at one message, from the queue and back into it. Owned by whoever works on it.
struct attempt {
    attempt(storage::queued_message of, std::shared_ptr<const snapshot> settings, std::int64_t when)
        : message(std::make_shared<storage::queued_message>(std::move(of))), under(std::move(settings)),
          now(when) {
        for (const auto& to : message->recipients) before.push_back(to.state);
    }
    std::shared_ptr<storage::queued_message> message;
    std::shared_ptr<const snapshot> under;
    std::int64_t now; // of its beginning; unix seconds, as is `ended`
    std::int64_t ended = 0;
    std::vector<storage::recipient_state> before;
    storage::settle_message result;
};

struct queue_runner::impl : std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor on, live_snapshot& c, async_spool& s, under_way& a, delivery_services w,
         std::set<queue_id> damaged)
        : main(std::move(on)), timer(main), config(c), spool(s), active(a), with(w),
          never(std::move(damaged)),
          pool(c.get()->config->queue.deliveries, c.get()->config->queue.deliveries) {}

    void start();
    void wake();
    void look();
    void look_now();
    void look_in(std::chrono::seconds wait);
    bool is_full(std::size_t at_once) const;
    bool take_due(std::size_t at_once);
    result<std::vector<storage::due_message>> due_now(std::size_t limit) const;
    using primary = std::optional<conf::endpoint>; // for whose return a message is tried
    void take(queue_id id, primary back);
    void deliver(queue_id id, primary back);
    void try_to_deliver(queue_id id, primary back);
    void deliver(std::shared_ptr<attempt> made);
    void hurry(conf::endpoint back);
    bool take_hurried(std::size_t at_once);
    void hand_over(std::shared_ptr<attempt> made);
    void try_to_settle(std::shared_ptr<attempt> made);
    void post_settling(std::shared_ptr<attempt> made);
    template <class Work> void on_main(Work work);
    void settle(std::shared_ptr<attempt> made);
    void again_later(std::shared_ptr<attempt> made);
    void write_result(std::shared_ptr<attempt> made);
    void written(std::shared_ptr<attempt> made, error_code ec);
    void set_aside(queue_id id, const std::string& why, std::chrono::seconds wait);
    void give_up_writing(queue_id id, error_code ec);
    void forget(queue_id id);
    void sleep_until_due(bool more_waiting);

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
    std::atomic<std::size_t> at_writer{0}; // results, of those in `active`; more on any thread, less on main
    std::atomic<bool> woken{false};
    bool draining = false, stopping = false;
    // Messages for primaries that are back: due whatever their time says. Of each hop the last look at the
    // queue.
    std::deque<std::pair<queue_id, conf::endpoint>> hurried;
    std::shared_ptr<primary_keeper> primaries; // the main thread's; from start() on
    offload_pool pool;                         // last: its threads end before the rest goes
};

} // namespace postern::server

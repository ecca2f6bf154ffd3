// Takes from the queue what has just come, what has a turn at its destination, and what is due, and has it
// delivered, at most so many messages at a time. Lives on the main thread, where all but wake() and arrived()
// is called; the deliveries run on a pool of their own; their results go back through the queue's writer.
#pragma once

#include "policy/resolver.hpp"
#include "server/async_spool.hpp"
#include "server/delivery/destinations.hpp"
#include "server/delivery/outcome.hpp"
#include "server/snapshot.hpp"
#include "server/under_way.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <set>

namespace postern::server {

class queue_runner {
  public:
    // All outlive this. `never`: damaged messages that are not tried unless they are steered. `names` is of
    // the main thread; null: next hops have addresses only.
    queue_runner(boost::asio::any_io_executor main, live_snapshot& config, async_spool& spool,
                 under_way& attempts, delivery_services with, std::set<storage::queue_id> never,
                 policy::resolver* names = nullptr);
    ~queue_runner();

    void start();
    void wake(); // any thread: something may be due; many calls cost one look
    // Any thread: these are in the queue now, and go before what waits. None: some are.
    void arrived(std::span<const storage::queue_id> ids);
    void look_again_at(storage::queue_id id); // if it was set aside as damaged
    std::size_t set_aside() const;            // damaged messages that are not tried
    std::vector<destinations::view> look_at_destinations(std::size_t most) const;
    void drain(); // no new deliveries; the results of those under way are still written
    // No new deliveries; returns when those under way have ended and their results were handed to the writer.
    void stop();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace postern::server

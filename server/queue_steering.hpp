// An operator's wishes, done to the queue of the running server: each message as soon as no attempt at it is
// under way, all that is asked at once with as few flushes as can be. Lives on the main thread.
#pragma once

#include "server/async_spool.hpp"
#include "server/log.hpp"
#include "server/under_way.hpp"
#include "storage/steering.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace postern::server {

inline constexpr std::size_t steered_at_once_max = 500;      // messages of one request
inline constexpr std::chrono::seconds steering_time_max{15}; // then those still being tried are busy

class queue_steering {
  public:
    // All outlive this; `steered` is told what came of each message that was to be changed.
    queue_steering(boost::asio::any_io_executor main, async_spool& spool, under_way& attempts, log& journal,
                   std::function<void(storage::queue_id, storage::wish_outcome)> steered);

    // The outcome for each id, in their order; those beyond steered_at_once_max are busy.
    boost::asio::awaitable<std::vector<storage::wish_outcome>> steer(storage::queue_wish wish,
                                                                     std::vector<storage::queue_id> ids);

  private:
    struct request;
    void begin(const std::shared_ptr<request>& asked, std::size_t index);
    void write(const std::shared_ptr<request>& asked, std::size_t index, storage::queue_operation change);
    void written(const std::shared_ptr<request>& asked, std::size_t index, boost::system::error_code ec);
    void end(const std::shared_ptr<request>& asked, std::size_t index, storage::wish_outcome outcome);

    boost::asio::any_io_executor main_;
    async_spool& spool_;
    under_way& attempts_;
    log& journal_;
    std::function<void(storage::queue_id, storage::wish_outcome)> steered_;
};

} // namespace postern::server

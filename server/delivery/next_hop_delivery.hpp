// One attempt at one message over SMTP or LMTP: its recipients that are due and that other servers take, one
// transaction a server.
#pragma once

#include "server/delivery/hop_watch.hpp"
#include "server/delivery/mail_client.hpp"
#include "server/delivery/outcome.hpp"
#include "server/offload_pool.hpp"

#include <memory>

namespace postern::server {

// What is learned of primaries on the way.
class hop_observer {
  public:
    virtual ~hop_observer() = default;
    virtual std::string why_away(const conf::endpoint& hop) const = 0; // "" = it can be tried
    virtual void tried(const conf::endpoint& hop, const std::string& away) = 0;
};

// Whoever awaits this keeps all of it alive; `message` isn't touched by others meanwhile. `now` is unix
// seconds.
boost::asio::awaitable<void> deliver_to_next_hops(const delivery_services& with, offload_pool& pool,
                                                  mail_client& client, hop_observer& hops,
                                                  std::shared_ptr<const conf::config> config,
                                                  std::shared_ptr<storage::queued_message> message,
                                                  std::int64_t now);

// A recipient of the message is for deliver_to_next_hops() now.
bool has_next_hop_due(const conf::config& config, const storage::queued_message& message, std::int64_t now);

} // namespace postern::server

// One attempt at one message over LMTP: its local recipients that are due, in one transaction.
#pragma once

#include "server/delivery/lmtp.hpp"
#include "server/delivery/outcome.hpp"
#include "server/offload_pool.hpp"

#include <memory>

namespace postern::server {

// Whoever awaits this keeps all of it alive; `message` isn't touched by others meanwhile. `now` is unix
// seconds.
boost::asio::awaitable<void> deliver_by_lmtp(const delivery_services& with, offload_pool& pool,
                                             lmtp_client& client, std::shared_ptr<const conf::config> config,
                                             std::shared_ptr<storage::queued_message> message,
                                             std::int64_t now);

// A recipient of the message is for deliver_by_lmtp() now.
bool has_local_due(const conf::config& config, const storage::queued_message& message, std::int64_t now);

} // namespace postern::server

// Tells senders what became of their messages (RFC 3461 §5.2 and §6): failures, delays, and deliveries where
// they asked for it. Never tells the empty sender (RFC 5321 §4.5.5). Blocking; any thread.
#pragma once

#include "server/delivery/outcome.hpp"
#include "storage/resolve.hpp"

#include <span>

namespace postern::server {

// The notices that an attempt causes, to be written together with its result; `before` are the recipients'
// states before it. Marks the message when a delay is told of. Beyond queue.notices_per_hour a failure is to
// be told of later: the message stays for that. An error: try again later, nothing was written.
result<std::vector<storage::insert_message>>
notices_for(const delivery_services& with, const conf::config& config,
            const storage::resolve_settings& resolving, storage::queued_message& message,
            std::span<const storage::recipient_state> before, std::int64_t now);

} // namespace postern::server

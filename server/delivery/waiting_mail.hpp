// What in the queue waits for one primary.
#pragma once

#include "conf/config.hpp"
#include "storage/queue.hpp"

#include <deque>

namespace postern::server {

// Messages with a recipient that waits for that hop, in the order of arrival; held ones are not among them.
// Reads the whole queue, a page at a time. Blocking; any thread.
result<std::deque<storage::queue_id>> waiting_for(const storage::queue& queue, const conf::config& config,
                                                  const conf::relay_hop& hop);

// Its recipients that wait for that hop are due at `now` (unix seconds). False: there is none, or it is held.
bool make_due_for(const conf::config& config, storage::queued_message& message, const conf::relay_hop& hop,
                  std::int64_t now);

} // namespace postern::server

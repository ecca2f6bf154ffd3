// One attempt at one message, on a pool thread: every recipient that is due and that a Maildir takes is
// tried, and its outcome recorded. Blocking.
#pragma once

#include "server/delivery/outcome.hpp"

namespace postern::server {

// `now` is unix seconds.
void deliver_to_maildirs(const delivery_services& with, const conf::config& config,
                         storage::queued_message& message, std::int64_t now);
// Those outside whose address can't be read any more.
void defer_outside_recipients(const delivery_services& with, const conf::config& config,
                              storage::queued_message& message, std::int64_t now);

} // namespace postern::server

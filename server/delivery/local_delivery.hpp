// One attempt at one message, on a pool thread: every recipient that is due is tried and its state written
// into the message. Blocking.
#pragma once

#include "conf/config.hpp"
#include "server/counters.hpp"
#include "server/log.hpp"
#include "storage/queue.hpp"
#include "storage/tables/directory.hpp"

namespace postern::server {

struct delivery_services {
    storage::file_env& files;
    const storage::queue& queue;
    const storage::directory& accounts;
    log& journal;
    counters& counts;
};

// Changes the recipients' states; `now` is unix seconds.
void attempt_delivery(const delivery_services& with, const conf::config& config,
                      storage::queued_message& message, std::int64_t now);

// Every recipient was delivered: the message can leave the queue.
bool all_delivered(const storage::queued_message& message);

} // namespace postern::server

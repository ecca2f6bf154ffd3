// What an attempt led to for one recipient, written into the message, counted and logged.
#pragma once

#include "conf/config.hpp"
#include "server/counters.hpp"
#include "server/log.hpp"
#include "storage/queue.hpp"
#include "storage/tables/directory.hpp"

#include <string>

namespace postern::server {

struct delivery_services {
    storage::file_env& files;
    const storage::queue& queue;
    const storage::directory& accounts;
    storage::queue_id_source& ids;
    log& journal;
    counters& counts;
};

struct attempt_outcome {
    enum class kind { delivered, deferred, failed };
    kind what = kind::delivered;
    std::string code;  // RFC 3463
    std::string text;  // what was said, or our words
    std::string relay; // "maildir", "none", an LMTP server
};

// To be called as the attempt ends: the next try is counted from this moment, however long the attempt took.
// A deferral after the time of queue.expire is a failure.
void record_outcome(const delivery_services& with, const conf::config& config,
                    storage::queued_message& message, std::size_t recipient, const attempt_outcome& outcome);

// The operator has given the message up: whoever waits has failed.
void give_up_all(const delivery_services& with, const conf::config& config, storage::queued_message& message);

// Waits, and its time has come. `now` is unix seconds.
bool is_due(const conf::config& config, const storage::queued_recipient& to, std::int64_t now);

// No recipient waits any more.
bool is_settled(const storage::queued_message& message);

} // namespace postern::server

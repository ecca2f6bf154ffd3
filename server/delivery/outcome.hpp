// What an attempt led to for one recipient, written into the message, counted and logged.
#pragma once

#include "conf/config.hpp"
#include "server/counters.hpp"
#include "server/delivery/link_security.hpp"
#include "server/delivery/notice_limit.hpp"
#include "server/destination_counts.hpp"
#include "server/log.hpp"
#include "storage/queue.hpp"
#include "storage/tables/directory.hpp"

#include <chrono>
#include <string>

namespace postern::policy {
class sender_rewriter;
struct sending_desk;
} // namespace postern::policy

namespace postern::server {

struct delivery_services {
    storage::file_env& files;
    const storage::queue& queue;
    const storage::directory& accounts;
    storage::queue_id_source& ids;
    log& journal;
    counters& counts;
    policy::sending_desk* sending = nullptr;      // null: nobody authenticates here
    const policy::sender_rewriter* srs = nullptr; // null: all senders stay as they are
    notice_limit* notices = nullptr;              // null: as many as there are
    destination_counts* destinations = nullptr;   // null: nobody counts
};

struct attempt_outcome {
    enum class kind { delivered, deferred, failed };
    kind what = kind::delivered;
    std::string code;         // RFC 3463
    std::string text;         // what was said, or our words
    std::string relay;        // "maildir", "none", an LMTP server
    bool by_operator = false; // who knows what it leads to
    link_security secured = {};
};

// To be called as the attempt ends: the next try is counted from this moment, however long the attempt took.
// A deferral after the time of queue.expire is a failure. What fails at another server and whose sender isn't
// proved is set aside: a notice could go to a stranger, and without one it would be lost.
void record_outcome(const delivery_services& with, const conf::config& config,
                    storage::queued_message& message, std::size_t recipient, const attempt_outcome& outcome);

// The operator has given the message up: whoever waits has failed.
void give_up_all(const delivery_services& with, const conf::config& config, storage::queued_message& message);

inline constexpr std::chrono::hours aside_time{
    14 * 24}; // from its arrival; then it is dropped, and the log says so
// Those set aside whose time to be looked at has come stay, or have been there for long enough; of those that
// are to be told of, when the time for it has come, there is news now.
void tend_aside(const delivery_services& with, const conf::config& config, storage::queued_message& message,
                std::int64_t now);

// Nobody may be told of this recipient (see above).
bool is_silent(const storage::queued_message& message, const storage::queued_recipient& to);

// Waits, and its time has come. `now` is unix seconds.
bool is_due(const conf::config& config, const storage::queued_recipient& to, std::int64_t now);
// There is something to do for it: it was given up, or isn't held and a recipient waits, is set aside or is
// to be told of, whose time has come.
bool is_due(const conf::config& config, const storage::queued_message& message, std::int64_t now);

// When the sender of a message that waits is to be told something next: of the delay (queue.delay_notice), or
// that it is given up. Unix seconds.
std::int64_t told_of_wait_at(const conf::config& config, const storage::queued_message& message);

// What stands in front of the stored body of a recipient of this server: what was found once it was stored,
// and whether it is taken for spam.
std::string fields_above(const storage::queued_message& message, bool junk);

// No recipient waits any more, is set aside or is to be told of.
bool is_settled(const storage::queued_message& message);

} // namespace postern::server

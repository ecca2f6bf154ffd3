// Tells of limits that were reached and of accounts that were suspended: a line in the log at once, an alarm
// in the status, and a mail to the account's owner (and, of a suspension, to postmaster), made on the table
// keeper's thread, because its templates are files.
#pragma once

#include "policy/submission/desk.hpp"
#include "server/admin/status.hpp"
#include "server/log.hpp"
#include "server/sending/rate_time.hpp"
#include "server/snapshot.hpp"
#include "storage/queue.hpp"

#include <functional>
#include <mutex>

namespace postern::server {

class sending_notices final : public policy::sending_news {
  public:
    static constexpr std::size_t waiting_max = 1000; // mails to be made; more are not sent
    static constexpr std::size_t alarms_max = 100;   // the newest

    struct surroundings {
        const live_snapshot& config;
        const storage::directory& accounts;
        storage::queue_id_source& ids;
        log& journal;
        const running_clock& clock;
    };
    explicit sending_notices(const surroundings& with) : with_(with) {} // all outlive this

    void limit_reached(std::string_view account, const policy::over_limit& which) override; // any thread
    void suspicious(std::string_view account, std::string_view why, done what) override;    // any thread

    // How a mail gets into the queue; false: it can't now, and is tried again. Before open() and after
    // close() they wait.
    using mail_sink = std::function<bool(storage::insert_message)>;
    void open(mail_sink sink);
    void close();

    result<void> flush(); // for the table keeper, each second
    std::uint64_t dropped() const;

    // What goes on still. Suspensions are taken from the table, whoever made them.
    std::vector<alarm> alarms(const policy::suspensions& suspended) const;

  private:
    struct letter {
        std::string to, name, account, limit, why;
        policy::rate_seconds until = 0;
    };
    struct reached {
        std::string account, limit;
        policy::rate_seconds until = 0;
    };
    void add(letter what);
    bool send(const letter& what);

    surroundings with_;
    mutable std::mutex mutex_;
    mail_sink sink_;
    std::vector<letter> waiting_;
    std::vector<reached> reached_;
    std::uint64_t dropped_ = 0;
};

} // namespace postern::server

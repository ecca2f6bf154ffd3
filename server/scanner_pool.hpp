// Scans of sessions: as many at a time as there are scanners, the others wait their turn, and each has its
// deadline.
#pragma once

#include "server/histogram.hpp"
#include "server/log.hpp"
#include "server/offload_pool.hpp"
#include "server/scanning/workforce.hpp"

#include <memory>

namespace postern::server {

struct scan_counts {
    std::atomic<std::uint64_t> done{0}, failed{0};
    histogram times; // of those that were done, waiting included
};

class scanner_pool {
  public:
    static constexpr std::size_t waiting_max = 1000; // scans; one more is told that there is no room

    // `at_a_time` threads wait for scanners.
    scanner_pool(unsigned at_a_time, log& journal);

    // workforce.hpp; before the first session.
    std::string begin(const scanning::terms& what);
    void change(const scanning::terms& what);
    // An order asked for more than the terms provide: a domain has got another tier since. Says so once.
    bool take_lack() { return lacks_.exchange(false); }
    scanning::standing now() const { return force_.now(); }
    void stop();

    // `message` is read-only, and the job's until it is done. With give_up as offload_pool.
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order asked,
                                                      storage::file_handle message,
                                                      std::chrono::seconds timeout, resumer* give_up);
    const scan_counts& counts() const { return counts_; }

  private:
    enum class provided : unsigned char { nothing, attachments, antivirus };
    static provided provided_by(const scanning::terms& what);

    scanning::workforce force_;
    scan_counts counts_;
    std::atomic<provided> provided_{provided::nothing};
    std::atomic<bool> lacks_{false};
    offload_pool pool_; // last: its threads use the others
};

} // namespace postern::server

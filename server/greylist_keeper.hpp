// The greylist of a running server: what gathers in memory is written each second, and what has expired is
// swept. A thread of its own: the disk may take its time.
#pragma once

#include "server/log.hpp"
#include "server/snapshot.hpp"
#include "storage/tables/greylist.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace postern::server {

class greylist_keeper {
  public:
    // All outlive this.
    greylist_keeper(storage::greylist& table, const live_snapshot& config, log& journal);
    ~greylist_keeper(); // writes what is left, then joins
    greylist_keeper(const greylist_keeper&) = delete;
    greylist_keeper& operator=(const greylist_keeper&) = delete;

  private:
    void work();
    void keep();
    void tell(const char* what, const boost::system::error_code& ec);

    storage::greylist& table_;
    const live_snapshot& config_;
    log& journal_;
    std::string trouble_; // as it was last told; "" = none
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ends_ = false;
    std::thread thread_;
};

} // namespace postern::server

// The tables of a running server that may lose their last second, greylist and ledger: what gathers in memory
// is written each second, and what has expired is swept. A thread of its own: the disk may take its time.
#pragma once

#include "protocol/result.hpp"
#include "server/log.hpp"

#include <boost/system/error_code.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postern::server {

struct kept_table {
    std::string name; // for the log: "the greylist"
    std::function<result<void>()> flush;
    std::function<result<bool>()> sweep;     // a bounded step; true = there is more to do now
    std::function<std::uint64_t()> dropped = // rows that found no room in memory, ever
        [] { return std::uint64_t{0}; };
};

class table_keeper {
  public:
    // What the tables call, and the journal, outlive this.
    table_keeper(std::vector<kept_table> tables, log& journal);
    ~table_keeper(); // writes what is left, then joins
    table_keeper(const table_keeper&) = delete;
    table_keeper& operator=(const table_keeper&) = delete;

  private:
    struct entry {
        kept_table table;
        std::string trouble = {}; // as it was last told; "" = none
        std::uint64_t told_of_dropped = 0;
    };
    void work();
    void keep(entry& one);
    void tell(entry& one, const char* what, const boost::system::error_code& ec);
    void tell_of_dropped(entry& one);

    std::vector<entry> tables_;
    log& journal_;
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ends_ = false;
    std::thread thread_;
};

} // namespace postern::server

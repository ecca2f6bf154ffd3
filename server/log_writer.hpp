// Lines on their way to the sink: a bounded queue and one thread that writes all that has gathered, a few
// hundred times a second at the most. Who hands a line over never waits for it, and seldom wakes anybody.
// When the queue is full the oldest line goes and is counted. Private to the log.
#pragma once

#include "server/log_sink.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

namespace postern::server {

class log_writer {
  public:
    explicit log_writer(std::shared_ptr<log_descriptor> to);
    ~log_writer(); // writes what waits, as far as the reader takes it at once

    void put(std::string line); // any thread; without its end
    // Waits a second at the most for what was put before.
    void flush();
    std::uint64_t lost() const;
    log_sink& sink() { return sink_; }

  private:
    void write_all();
    void write_taken();
    bool add_to_piece(const std::string& line);

    log_sink sink_;
    mutable std::mutex guard_; // of all below
    std::condition_variable ready_, written_up_to_;
    std::deque<std::string> lines_;
    std::deque<std::string> taken_;    // the thread's, as is the next
    std::string piece_;                // what a pipe takes whole
    std::uint64_t put_ = 0, done_ = 0; // lines ever; done: written or lost
    std::uint64_t overrun_ = 0;
    std::atomic<std::uint64_t> too_long_{0}; // lines that there was no memory for
    bool idle_ = false;                      // the thread sleeps until it is woken
    bool hurried_ = false, stopping_ = false;
    std::thread thread_; // last
};

} // namespace postern::server

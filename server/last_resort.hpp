// The end of an end that doesn't come: a thread of some other part hangs in the kernel, on a Maildir that
// lies on a dead NFS server for example. What was accepted is in the queue, so nothing is lost when the
// process just ends, and a successor that waits for the state folder can begin.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace postern::server {

class last_resort {
  public:
    // Unless this object goes before, the process ends at that time with `code`, without any clean-up, and
    // stderr says so.
    last_resort(std::chrono::steady_clock::time_point at, int code);
    ~last_resort();

  private:
    void wait(std::chrono::steady_clock::time_point at, int code);

    std::mutex mutex_;
    std::condition_variable gone_;
    bool is_over_ = false;
    std::thread thread_;
};

} // namespace postern::server

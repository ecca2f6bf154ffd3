// A bounded pool of threads for work that blocks: body files, quota look-ups, deliveries. A full pool says no
// at once; it never lets anybody wait without bound.
#pragma once

#include "server/awaiting.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace postern::server {

class offload_pool {
  public:
    offload_pool(unsigned threads, std::size_t queue_max);
    ~offload_pool(); // runs what is queued, then joins

    // False when queue_max jobs wait already, or after stop(). The job throws nothing.
    bool try_post(std::function<void()> job);
    // Runs the job on a pool thread and resumes the caller on its own executor. busy: the pool is full and
    // nothing was run; not_enough_memory: the job ended by that. With give_up (awaiting.hpp) the caller may
    // go on without it: the job must own what it touches.
    boost::asio::awaitable<boost::system::error_code> run(std::function<void()> job,
                                                          resumer* give_up = nullptr);
    void stop(); // no new jobs; waits for the queued ones

  private:
    void work();
    bool needs_another();

    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> jobs_;
    const std::size_t queue_max_;
    std::size_t idle_ = 0;
    bool waking_ = false; // a thread was told that there is work and hasn't looked yet
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace postern::server

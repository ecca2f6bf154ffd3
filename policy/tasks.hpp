// Work that goes on beside a session, on the session's own thread: look-ups that are begun early, and several
// at a time. Whoever runs the thread implements it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

namespace postern::policy {

class tasks {
  public:
    virtual ~tasks() = default;

    virtual std::chrono::steady_clock::time_point now() const = 0;
    // Goes on by itself until it ends. What it throws is dropped: it has nobody to tell.
    virtual void begin(boost::asio::awaitable<void> work) = 0;

    // What one coroutine waits for until another gives it. Given before, it doesn't wait.
    class signal {
      public:
        virtual ~signal() = default;
        virtual void give() = 0;
        virtual boost::asio::awaitable<void> wait() = 0; // one at a time
    };
    virtual std::unique_ptr<signal> make_signal() = 0;
};

} // namespace postern::policy

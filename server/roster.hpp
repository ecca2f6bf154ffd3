// The sessions of one thread, looked at a few times a second: one coarse sweep instead of a timer each (it
// costs nothing per operation). Same thread as the sessions; holds no session alive.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace postern::server {

using steady_time = std::chrono::steady_clock::time_point;

class roster {
  public:
    static constexpr std::chrono::milliseconds sweep_interval{200};

    class member {
      public:
        virtual ~member() = default;
        virtual void on_sweep(steady_time now) = 0; // must not add or remove members at once
        virtual void on_drain() = 0;                // the server stops: end when it is polite to
        virtual void on_halt() = 0;                 // end now

      private:
        friend class roster;
        std::size_t place_ = 0;
    };

    void add(member& who);
    void remove(member& who);
    std::size_t size() const { return members_.size(); }
    bool draining() const { return draining_; }
    void drain();
    void halt();
    void sweep(steady_time now);

  private:
    std::vector<member*> members_;
    bool draining_ = false;
};

} // namespace postern::server

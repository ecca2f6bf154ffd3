// The elder's side of a take-over: gives the listening sockets to a newcomer, and stops accepting when that
// one says so. Lives on the main thread, one newcomer at a time, each with a deadline.
#pragma once

#include "server/handover_wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

namespace postern::server {

class handover_target {
  public:
    virtual ~handover_target() = default;
    virtual std::vector<int>
    listening_descriptors() = 0; // valid until let_go(); empty: there are none to give
    virtual std::chrono::seconds
    let_go() = 0;                     // nobody is accepted any more; the process ends within this time
    virtual bool accepts() const = 0; // false once let_go() has come to all workers
};

// <state_dir>/handover.sock, mode 0600, for the holder of the folder's lock: what is there is a leftover. The
// path goes with the object.
class handover_listener {
  public:
    explicit handover_listener(const std::string& state_dir); // see problem()
    ~handover_listener();
    handover_listener(const handover_listener&) = delete;
    handover_listener& operator=(const handover_listener&) = delete;
    const std::string& problem() const { return problem_; } // "" = it listens
    int release();                                          // the descriptor is the caller's from now on

  private:
    handover::address address_;
    storage::file_handle handle_;
    bool is_bound_ = false;
    std::string problem_;
};

// Until cancelled. The target outlives it.
boost::asio::awaitable<void> serve_handover(std::unique_ptr<handover_listener> on, handover_target& target);

} // namespace postern::server

// One thread with one io_context: its own acceptor for every listener address (SO_REUSEPORT), its sessions,
// their sweep. A session lives its whole life on one worker, so it needs no lock.
#pragma once

#include "server/accept_watch.hpp"
#include "server/session_driver.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace postern::server {

// A listener's address once bound; the same object serves all workers.
struct bound_listener {
    std::shared_ptr<const conf::listener_settings> settings;
    conf::endpoint address; // with the real port
    std::atomic<std::uint64_t> sessions{0}, connections{0};
};

// Binds nothing yet: finds out whether the address is free and which port 0 means. "" and the port, or what
// is wrong.
std::string probe_address(const conf::endpoint& wanted, conf::endpoint& bound);

class worker {
  public:
    worker();
    ~worker();

    // Before start(): an acceptor on the address, which may need root. "" or what is wrong.
    std::string listen(std::shared_ptr<bound_listener> on);
    void start(session_services& services, accept_watch& watch); // they outlive join()
    // Any thread. drain: no new connections; sessions end when it is polite. halt: all end now.
    void drain();
    void halt();
    std::size_t sessions() const;
    void join(); // after drain or halt; returns when no session is left and the thread ended

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace postern::server

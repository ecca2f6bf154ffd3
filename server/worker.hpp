// One thread with one io_context: its own socket of every listener address, or several of them, its sessions,
// their sweep. A session lives its whole life on one worker, so it needs no lock.
#pragma once

#include "server/accept_watch.hpp"
#include "server/listening_socket.hpp"
#include "server/resolver_settings.hpp"
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

class worker {
  public:
    worker();
    ~worker();

    // Before start(): connections of that socket come here. False when the loop can't take it.
    bool attend(std::shared_ptr<bound_listener> on, listening_socket socket);
    // They outlive join(). The checks of its sessions ask a resolver of its own, in place of that in
    // `services`.
    void start(session_services& services, accept_watch& watch, const resolver_settings& dns);
    void configure_dns(resolver_settings dns); // any thread, after start()
    // What was given to attend(), valid until drain().
    struct entrance {
        int descriptor = -1;
        std::shared_ptr<const bound_listener> on;
    };
    std::vector<entrance> entrances() const;

    // Any thread. drain: no new connections; sessions end when it is polite. halt: all end now.
    void drain();
    void halt();
    std::size_t sessions() const;
    bool accepts() const;        // until drain() has come to the thread
    std::uint64_t beats() const; // grows a few times a second as long as the loop runs
    void join();                 // after drain or halt; returns when no session is left and the thread ended

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace postern::server

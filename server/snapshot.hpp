// The configuration in force with what was made from it, as one immutable object. Reload swaps it; a session
// keeps the one it began with.
#pragma once

#include "conf/config.hpp"
#include "policy/rules.hpp"
#include "storage/resolve.hpp"
#include "tls/server_contexts.hpp"

#include <memory>
#include <mutex>

namespace postern::protocol {
struct client_login;
}

namespace postern::server {

struct snapshot {
    std::shared_ptr<const conf::config> config;
    std::shared_ptr<const tls::server_contexts> tls;
    storage::resolve_settings resolving;
    std::shared_ptr<const std::vector<protocol::ip_address>> own_addresses; // of this machine
    std::shared_ptr<const policy::rule_set> exempt_senders;                 // greylist.exempt_senders
    std::shared_ptr<const std::vector<std::string>> host_names;             // ours, of all listeners
    std::shared_ptr<const protocol::client_login> smarthost_login;          // null: it wants none

    // Null when a reload took the listener away; its sockets stay open until the next start.
    const conf::listener_settings* find_listener(const std::string& name) const {
        for (const auto& row : config->listeners)
            if (row.name == name) return &row;
        return nullptr;
    }
};

class live_snapshot {
  public:
    std::shared_ptr<const snapshot> get() const {
        const std::lock_guard lock(mutex_);
        return now_;
    }
    void swap(std::shared_ptr<const snapshot> next) {
        const std::lock_guard lock(mutex_);
        now_.swap(next);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const snapshot> now_;
};

storage::resolve_settings resolve_settings_of(const conf::config& config);
// server.hostname and each listener's, in lower case: a client of one listener may not forge results of
// another.
std::shared_ptr<const std::vector<std::string>> host_names_of(const conf::config& config);
// greylist.exempt_senders as rules that allow; a pattern that is none is a problem.
std::shared_ptr<const policy::rule_set> exempt_senders_of(const conf::config& config,
                                                          std::vector<std::string>& problems);

} // namespace postern::server

// Asks each blocklist for its test points, at start, when the configuration names others, and each hour; what
// is wrong is told to the log and to whoever asks the lists. Main thread.
#pragma once

#include "policy/zone_health.hpp"
#include "server/log.hpp"
#include "server/resolver.hpp"
#include "server/snapshot.hpp"

#include <chrono>

namespace postern::server {

class zone_watch {
  public:
    policy::zone_health& health() { return health_; }

    // Every few seconds. The resolver is the main thread's and outlives the server's services.
    void look(std::chrono::steady_clock::time_point now, const std::shared_ptr<const conf::config>& config,
              dns_resolver& dns, policy::tasks& beside, log& journal);
    // Lists that are set aside, with the reason: alarms.
    std::vector<std::string> alarms();

  private:
    void tell(log& journal);

    policy::zone_health health_;
    std::vector<std::string> zones_; // that were examined
    std::chrono::steady_clock::time_point examined_;
    std::vector<std::string> alarms_;
};

} // namespace postern::server

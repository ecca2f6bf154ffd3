// Which primaries, or smarthost, are away: mail for them is deferred without a try, they are asked again and
// again whether they are back, and when one is, all that waits for it is due. Pure; one thread's.
#pragma once

#include "conf/config.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace postern::server {

class hop_watch {
  public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds probe_interval{20};
    static constexpr std::size_t probes_max = 32; // begun at a time

    // Mail can be sent there. True: that is news, and what waits for it is due (also at its first time, for
    // messages that an earlier run has left).
    bool reached(const conf::relay_hop& hop);
    // It can't. True: that is news.
    bool missed(const conf::relay_hop& hop, std::string why, time_point now);
    // What stands there from now on; what doesn't is forgotten.
    void follow(const conf::relay_settings& routes);
    // It is in a route, or the smarthost.
    bool watches(const conf::relay_hop& hop) const { return hops_.contains(hop.to_string()); }
    // Why it is away; "" = it isn't, as far as is known.
    std::string why_away(const conf::relay_hop& hop) const;

    // Whom to ask now, of those not known to be there: once each `probe_interval`, and not while a probe goes
    // on (until probed()). What is in no route any more is forgotten.
    std::vector<conf::relay_hop> to_probe(const conf::relay_settings& routes, time_point now);

    void probed(const conf::relay_hop& hop);

  private:
    enum class standing { unknown, there, away };
    struct entry {
        conf::relay_hop hop;
        standing is = standing::unknown;
        std::string why;
        time_point next_probe{};
        bool is_asked = false; // by a probe
    };
    std::map<std::string, entry> hops_; // by address and port
};

} // namespace postern::server

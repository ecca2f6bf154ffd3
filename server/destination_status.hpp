// What can be seen of the places that mail goes to: a copy at one moment, for `postern queue destinations`
// and /metrics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postern::server {

struct destination_status {
    std::string name;                      // a domain, or the hop that it goes to; "local", "other"
    std::uint64_t waiting = 0;             // messages in line
    std::uint64_t in_flight = 0;           // connections
    std::uint64_t connections_allowed = 0; // at the same time, now; 0 = nothing is known of it
    std::uint64_t failures = 0;            // one after the other, of the whole destination
    std::int64_t retry_at = 0;             // unix seconds: it backs off until then; 0 = it doesn't
    std::string last_error;                // "" = none
    std::uint64_t delivered = 0, deferred = 0, failed = 0; // tries at recipients, since the start
};

} // namespace postern::server

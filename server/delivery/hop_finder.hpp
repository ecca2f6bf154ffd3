// Where the servers of a hop are: the addresses of its host, or of the MX hosts that its domain prefers to
// us (RFC 5321 §5.1). One thread's.
#pragma once

#include "conf/config.hpp"
#include "policy/resolver.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

namespace postern::server {

// What must not be taken for somebody else.
struct ourselves {
    std::vector<std::string> names;              // canonical
    std::vector<protocol::ip_address> addresses; // of this machine
};

struct hop_address {
    std::string host; // "" = known by its address alone
    conf::endpoint at;
    std::string to_string() const; // "mx1.example.net[192.0.2.7]:25"
};

struct found_hop {
    std::vector<hop_address> addresses; // in the order to be tried; empty: see `trouble`
    std::string trouble;
};

inline constexpr std::size_t hop_addresses_max = 8;
inline constexpr std::size_t hop_exchangers_max =
    10; // the preferred ones; those behind them aren't looked up

// Trouble with DNS, and an MX list that leads back here, are trouble: mail waits. `names` outlives the await;
// null: no name can be looked up.
boost::asio::awaitable<found_hop> find_hop(policy::resolver* names, conf::relay_hop hop, ourselves us,
                                           std::chrono::seconds within);

} // namespace postern::server

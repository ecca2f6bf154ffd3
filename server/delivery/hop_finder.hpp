// Where the servers of a hop are: the addresses of its host, of the MX hosts that its domain prefers to us,
// or of all its MX hosts (RFC 5321 §5.1). One thread's.
#pragma once

#include "conf/config.hpp"
#include "policy/resolver.hpp"
#include "protocol/smtp/reply.hpp"

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
    std::uint16_t preference = 0;  // of its MX record; the order of equal ones is by chance
    bool is_secure = false;        // its address was validated by DNSSEC, aliases included
    std::string canonical;         // its name behind aliases, where that is secure; "" = `host`
    std::string to_string() const; // "mx1.example.net[192.0.2.7]:25"
};

struct found_hop {
    std::vector<hop_address> addresses = {}; // in the order to be tried; empty: see `trouble`
    std::string trouble = {};
    // No mail can ever be sent there, as DNS says (RFC 3463); else mail waits.
    std::optional<protocol::enhanced_code> fails = {};
    std::string domain = {}; // of the MX records that were followed; "" = none were
    bool mx_secure = false;  // they, or that there are none, were validated by DNSSEC
};

inline constexpr std::size_t hop_addresses_max = 8;
inline constexpr std::size_t hop_exchangers_max =
    10; // the preferred ones; those behind them aren't looked up

// Trouble with DNS is trouble: mail waits, and so it does where an MX list that this server is to stand in
// leads back here. `names` outlives the await; null: no name can be looked up.
boost::asio::awaitable<found_hop> find_hop(policy::resolver* names, conf::relay_hop hop, ourselves us,
                                           std::chrono::seconds within);

} // namespace postern::server

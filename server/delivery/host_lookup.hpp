// The addresses of a host that mail may be sent to, as DNS has them.
#pragma once

#include "policy/resolver.hpp"
#include "server/delivery/hop_finder.hpp"

#include <chrono>

namespace postern::server {

struct host_addresses {
    std::vector<protocol::ip_address> all; // A before AAAA
    std::string trouble;                   // where DNS didn't say
    // All that was said was validated by DNSSEC, aliases included. Silence about one family of addresses
    // takes nothing from the other, or it would be a way to get mail in plain text (RFC 7672 §2.2.2).
    bool is_secure = false;
    std::string canonical; // the name behind its aliases, where that is secure; "" = it is no alias
};

// Each of the two look-ups has half of the time, so that silence about one leaves some for the other. `names`
// outlives the await.
boost::asio::awaitable<host_addresses> addresses_of(policy::resolver& names, protocol::dns_name host,
                                                    std::chrono::milliseconds within);

// One MX host with what was looked up of it.
struct exchanger {
    protocol::mx_record record;
    host_addresses found;
};

bool is_ours(const ourselves& us, const protocol::dns_name& host);
bool any_ours(const ourselves& us, const host_addresses& host);

// As many as there is room for (hop_addresses_max). `preference`: the MX record's.
void add_addresses(found_hop& to, const std::string& host, std::uint16_t preference,
                   const host_addresses& found, std::uint16_t port);

} // namespace postern::server

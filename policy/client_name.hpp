// The name of a client by reverse DNS, proved where it resolves back to the address.
#pragma once

#include "policy/context.hpp"

namespace postern::policy {

inline constexpr std::size_t pointers_max = 10; // of an address; more are not looked at

// An address whose names can't be looked up has none that is known, and is_open says so: no rule about names
// matches it, and one that might is not taken for absent.
boost::asio::awaitable<client_name> find_client_name(resolver& dns, tasks& beside, dns_deadline until,
                                                     protocol::ip_address client);

// Begins it for the session, within dns.timeout; the name is in about.peer.name then. Once: later calls do
// nothing.
void begin_name(context& about);

} // namespace postern::policy

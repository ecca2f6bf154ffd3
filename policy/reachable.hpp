// Addresses that no mail of strangers can be sent to: this machine, private and link-local networks,
// multicast, and what is reserved (RFC 6890).
#pragma once

#include "protocol/net/ip_address.hpp"

namespace postern::policy {

bool is_reachable(const protocol::ip_address& address);

} // namespace postern::policy

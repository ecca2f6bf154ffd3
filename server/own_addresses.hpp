// The addresses of this machine's interfaces.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <vector>

namespace postern::server {

// Loopback too. Empty when the system doesn't say.
std::vector<protocol::ip_address> own_addresses();

} // namespace postern::server

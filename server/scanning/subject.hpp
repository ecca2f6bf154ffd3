// A message as a scanner gets it: a descriptor that it can only read.
#pragma once

#include "server/scanning/channel.hpp"

#include <string_view>

namespace postern::server::scanning {

// A copy in memory, sealed: nobody can change it any more.
result<owned_descriptor> in_memory(std::string_view message);

} // namespace postern::server::scanning

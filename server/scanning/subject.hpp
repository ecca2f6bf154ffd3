// A message as a scanner gets it: a descriptor that it can only read.
#pragma once

#include "server/scanning/channel.hpp"

#include <span>
#include <string>
#include <string_view>

namespace postern::server::scanning {

// A copy in memory, sealed: nobody can change it any more. `pieces` go before `rest`.
result<storage::file_handle> in_memory(std::span<const std::string> pieces, std::string_view rest);
inline result<storage::file_handle> in_memory(std::string_view message) { return in_memory({}, message); }

} // namespace postern::server::scanning

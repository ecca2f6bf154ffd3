// Root is needed to bind ports and nothing else.
#pragma once

#include <string>

namespace postern::server {

// When started as root: becomes `user` with its groups, for good. "" or not root: nothing happens. Returns
// what went wrong and the cure, or "".
std::string drop_privileges(const std::string& user, const std::string& state_dir);

} // namespace postern::server

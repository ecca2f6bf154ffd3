// What a configuration names, looked at from outside: certificates, folders, the user.
#pragma once

#include "conf/config.hpp"
#include "conf/load.hpp"

#include <string>
#include <vector>

namespace postern::server {

// Each finding with the place of its key in `file`.
std::vector<conf::finding> check_named_things(const conf::config& settings, const std::string& file);

} // namespace postern::server

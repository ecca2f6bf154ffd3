// `postern serve`: the whole server, in the foreground, until SIGTERM or SIGINT.
#pragma once

#include "server/admin/commands.hpp"

namespace postern::server {

exit_code serve(const std::string& config_file, terminal& with);

} // namespace postern::server

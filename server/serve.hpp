// `postern serve`: the whole server, in the foreground, until SIGTERM or SIGINT.
#pragma once

#include "server/admin/commands.hpp"

namespace postern::server {

enum class start_way {
    ordinary,
    take_over, // from the server that runs on the same state folder, if there is one
};

exit_code serve(const std::string& config_file, start_way how, terminal& with);

} // namespace postern::server

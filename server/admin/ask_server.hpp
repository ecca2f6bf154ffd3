// One request of a sub-command to the running server, with what may come of it said to the user.
#pragma once

#include "conf/config.hpp"
#include "server/admin/commands.hpp"

#include <boost/json/value.hpp>

namespace postern::server {

// The document (an object). Null when the server doesn't run, doesn't answer, or refuses; the error is said
// and is `code`.
boost::json::value ask_server(const conf::config& settings, std::string_view request, terminal& with,
                              exit_code& code);

std::string_view text_of(const boost::json::value& value); // "?" when it is no string

} // namespace postern::server

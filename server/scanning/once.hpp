// One message, looked into by a scanner that is started for it alone: for commands, which have no server.
#pragma once

#include "policy/scanner.hpp"
#include "server/scanning/program.hpp"

namespace postern::server::scanning {

// Blocking. Signatures are loaded where antivirus is asked for.
policy::scan_outcome scan_once(const conf::config& config, std::string_view message,
                               protocol::scan::order asked);

} // namespace postern::server::scanning

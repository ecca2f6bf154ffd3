// The status document: made by the server, read by `postern status`. docs/commands.md describes it; members
// are only ever added.
#pragma once

#include "server/admin/status.hpp"

#include <boost/json/object.hpp>
#include <iosfwd>

namespace postern::server {

boost::json::object status_document(const server_status& status);

// For people: alarms first. Takes whatever a server answered; a member that is missing shows as "-".
void print_status(const boost::json::object& document, std::int64_t now, std::ostream& out);

} // namespace postern::server

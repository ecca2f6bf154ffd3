// The page at "/": what a person wants to know first, readable on a phone, without a script or anything from
// elsewhere. Everything that came from a peer is made printable and escaped.
#pragma once

#include "server/admin/observed.hpp"

namespace postern::server {

std::string render_status_page(const observed& seen);

} // namespace postern::server

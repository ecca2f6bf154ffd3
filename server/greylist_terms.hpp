// What the configuration says of greylisting, as its table wants it.
#pragma once

#include "conf/config.hpp"
#include "storage/tables/greylist.hpp"

namespace postern::server {

storage::greylist_terms greylist_terms_of(const conf::config& settings);
storage::greylist_limits greylist_limits_of(const conf::config& settings);

} // namespace postern::server

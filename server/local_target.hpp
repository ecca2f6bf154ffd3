// From a final address to its Maildir, by the template of the configuration.
#pragma once

#include "conf/config.hpp"
#include "storage/maildir.hpp"

namespace postern::server {

// `address` is folded "local@domain".
storage::maildir_target local_target(const conf::config& config, std::string_view address,
                                     std::uint64_t quota);

} // namespace postern::server

// What no single row can see: names that must be unique, addresses taken twice, tiers that ask for more than
// there is.
#pragma once

#include "conf/config.hpp"
#include "conf/findings.hpp"

#include <toml++/toml.h>

namespace postern::conf {

// `read` holds a record for each [[listener]] of `root`, in its order; fields that were wrong have their
// defaults.
void check_whole_file(const config& read, const toml::table& root, findings& found);

} // namespace postern::conf

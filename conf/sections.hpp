// Walks a parsed file against the table of settings and fills a config.
#pragma once

#include "conf/config.hpp"
#include "conf/findings.hpp"

#include <toml++/toml.h>

namespace postern::conf {

// Unknown names, missing ones and wrong values go to `found`; everything else is stored. Derived values are
// left empty.
config read_sections(const toml::table& root, findings& found);

} // namespace postern::conf

// Names that the configuration will have and this version does nothing with. Setting one is never silently
// ignored.
#pragma once

#include "conf/findings.hpp"

#include <span>
#include <string>
#include <string_view>
#include <toml++/toml.h>

namespace postern::conf {

struct reserved_name {
    std::string_view name; // a section, "dnsbl", or a key, "section.key"
    std::string_view
        allowed; // the one value that is what this version does anyway; any other is an error. "" = warn
};

std::span<const reserved_name> reserved_names();
bool is_reserved(std::string_view full_key);

// A warning for each reserved name that the file sets, an error for a value that this version can't honour.
void report_reserved(const toml::table& root, findings& found);

} // namespace postern::conf

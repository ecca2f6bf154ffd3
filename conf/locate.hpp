// From a key such as "listener[1].address[0]" to its place in a parsed file.
#pragma once

#include <string_view>
#include <toml++/toml.h>

namespace postern::conf {

// The node at `key`, or null. Lives as long as `root`.
const toml::node* node_at(const toml::table& root, std::string_view key);

// The place of `key`, else of what would hold it ("listener[1]"), else of nothing (line 0).
toml::source_region place_of(const toml::table& root, std::string_view key);

} // namespace postern::conf

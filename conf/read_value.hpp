// One value of the file against its row: type, form, range. Never converts a type into another (true is not
// 1, "20" is not 20). Every message says what was found and what would be right.
#pragma once

#include "conf/findings.hpp"
#include "conf/setting.hpp"

#include <optional>
#include <toml++/toml.h>

namespace postern::conf {

// One item out of its text; the text of a number is its digits.
checked<item> read_item(const rule& allowed, std::string_view text);

// The value of a key; nullopt when something was wrong, which `found` then has. `key` is the full one:
// "limits.errors".
std::optional<value> read_value(const rule& allowed, const toml::node& node, const std::string& key,
                                findings& found);

// "a string", "an integer", "a table"
std::string_view type_name(const toml::node& node);
// "a duration", "a number": what a row takes, for one item.
std::string_view form_name(form what);
// The limits of a row in words: "1s to 1d", "\"text\" or \"json\"", "an absolute path"; the same in messages
// and in the reference.
std::string range_text(const rule& allowed);
// "write a number and s, m, h or d, such as \"5m\""
std::string cure(const rule& allowed);

} // namespace postern::conf

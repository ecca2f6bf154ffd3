// What an operator may have meant by a key that doesn't exist.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::conf {

// The candidate nearest to `name` by at most two slips (a letter missing, extra, wrong, or two swapped);
// nullopt when none is near or the name is longer than any key.
std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates);

// "is not a setting; did you mean ...": for a key of a section ("" = the top of the file).
std::string unknown_key(std::string_view section_name, std::string_view key);

} // namespace postern::conf

// The one table of settings: key, type, default, meaning. The loader, the checks and docs/reference.md all come from it.
#pragma once

#include "conf/config.hpp"

#include <string>

namespace postern::conf {

// docs/reference.md, generated; the same bytes for the same table.
std::string reference_markdown();

// Readers of the units that keys use; nullopt when the text is not of the form.
// "90s", "5m", "24h", "5d", and "0s".
std::optional<seconds> parse_duration(std::string_view text);
// "500", "64KiB", "30MB", "1GB", "1GiB": decimal and binary units; nullopt on overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_duration(seconds value);
std::string format_size(std::uint64_t octets);

} // namespace postern::conf

// Whether a RAR archive is a piece of one that was cut.
#pragma once

#include <string_view>

namespace postern::policy::content {

// `octets` begin with RAR's signature, of version 4 or 5.
bool is_rar_volume(std::string_view octets);

} // namespace postern::policy::content

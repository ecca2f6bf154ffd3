// What libarchive does not tell of a RAR archive: read from its headers.
#pragma once

#include <string_view>
#include <vector>

namespace postern::policy::content {

// Whether it is a piece of one that was cut. `octets` begin with RAR's signature, of version 4 or 5.
bool is_rar_volume(std::string_view octets);

// For each entry of a RAR 5 archive, in its order, whether it is encrypted: at most `most` of them. Empty for
// other versions. Linear in the entries.
std::vector<bool> rar5_encrypted(std::string_view octets, std::size_t most);

} // namespace postern::policy::content

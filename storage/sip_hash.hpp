// SipHash-2-4 (Aumasson and Bernstein, 2012): short keyed digests of names that strangers choose, so that
// nobody without the key can make two of them meet. Pure. Not for passwords that are stored for long.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postern::storage {

using sip_key = std::array<std::uint8_t, 16>;

std::uint64_t sip_hash(const sip_key& key, std::string_view octets);

} // namespace postern::storage

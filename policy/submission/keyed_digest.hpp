// HMAC-SHA-256 (RFC 2104): what only the holder of the key can make again.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace postern::policy {

using digest = std::array<char, 32>;

// The parts are told apart: ("ab", "c") and ("a", "bc") differ. Throws bad_alloc when OpenSSL has no memory.
digest keyed_digest(std::string_view key, std::initializer_list<std::string_view> parts);
// In the same time wherever they differ; texts of different lengths differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);
inline std::string_view view(const digest& of) { return {of.data(), of.size()}; }

} // namespace postern::policy

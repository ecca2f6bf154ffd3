// Small files of certificates and keys, whole. Errors are those of the operating system.
#pragma once

#include "protocol/result.hpp"

#include <string>
#include <string_view>

namespace postern::tls {

inline constexpr std::size_t pem_file_max = 1024 * 1024;

// A regular file of at most pem_file_max octets; anything else is an error, and never a wait.
[[nodiscard]] result<std::string> read_pem_file(const std::string& path);

// The file holds either what it held or `content`, also after a crash; once this returns it is `content`.
// `mode` as in open(2).
[[nodiscard]] result<void> replace_file(const std::string& path, std::string_view content, unsigned mode);

} // namespace postern::tls

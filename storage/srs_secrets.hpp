// What forwarded senders are signed with: <state_dir>/srs_secrets, a secret a line. The first signs, and what
// any of them has signed is known again, so that a new one can be put in front. Lines that are empty or begin
// with
// "#" don't count. Servers that take each other's notices have the same file.
#pragma once

#include "storage/file_env.hpp"

#include <string>
#include <vector>

namespace postern::storage {

inline constexpr std::size_t srs_secret_octets_min = 16, srs_secret_octets_max = 512; // of a line
inline constexpr std::size_t srs_secrets_max = 16;

// Never empty. corrupt: no line counts, or one is too short or too long, or there are too many.
result<std::vector<std::string>> read_srs_secrets(file_env& files, const std::string& state_dir);
// Makes the file of `fresh`, a line, when there is none yet. For who holds the state folder's lock.
result<std::vector<std::string>> make_srs_secrets(file_env& files, const std::string& state_dir,
                                                  std::string_view fresh);

} // namespace postern::storage

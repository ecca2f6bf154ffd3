// This installation's own secret, <state_dir>/secret: made once, the same for as long as the folder is kept.
// What it protects is only worth guessing who has an account; losing it loses no mail.
#pragma once

#include "storage/file_env.hpp"

#include <string>

namespace postern::storage {

inline constexpr std::size_t server_secret_octets = 32;

// `fresh`: server_secret_octets from a good source, used when there is none yet. `corrupt`: the file is there
// and has another size. For who holds the state folder's lock.
result<std::string> server_secret(file_env& files, const std::string& state_dir, std::string_view fresh);

} // namespace postern::storage

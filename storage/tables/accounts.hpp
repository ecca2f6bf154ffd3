// <state_dir>/accounts: the LMDB environment that the directory and the rules share. It must be opened once
// per process, so whoever needs both opens it here and hands it to each.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace postern::storage {

namespace lmdb {
class environment;
}
using accounts_environment = std::shared_ptr<lmdb::environment>;

inline constexpr std::uint64_t accounts_map_size = std::uint64_t{1} << 40; // a bound, not an allocation

// The folder is made when it is absent.
result<accounts_environment> open_accounts(const std::string& state_dir,
                                           std::uint64_t map_size = accounts_map_size);

} // namespace postern::storage

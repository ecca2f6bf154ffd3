#include "storage/tables/accounts.hpp"

#include "storage/lmdb_tables.hpp"

namespace postern::storage {

result<accounts_environment> open_accounts(const std::string& state_dir, std::uint64_t map_size) {
    auto accounts = lmdb::open_in(state_dir, "accounts", {.map_size = map_size, .tables = 32});
    if (!accounts) return accounts.error();
    return accounts_environment(std::move(*accounts));
}

} // namespace postern::storage

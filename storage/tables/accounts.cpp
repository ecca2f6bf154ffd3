#include "storage/tables/accounts.hpp"

#include "storage/file_env.hpp"
#include "storage/lmdb.hpp"

namespace postern::storage {
namespace {

// Its entry is flushed before anything in it counts.
result<void> make_folder(const std::string& state_dir) {
    auto& files = system_files();
    const auto state = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!state) return state.error();
    const auto made = files.make_folder(&*state, "accounts");
    if (!made && made.error() == storage_errc::exists) return {};
    if (!made) return made;
    return files.sync_folder(*state);
}

} // namespace

result<accounts_environment> open_accounts(const std::string& state_dir, std::uint64_t map_size) {
    if (auto made = make_folder(state_dir); !made) return made.error();
    auto accounts = lmdb::environment::open(state_dir + "/accounts", {.map_size = map_size});
    if (!accounts) return accounts.error();
    if (auto cleared = (*accounts)->clear_dead_readers(); !cleared) return cleared.error();
    return accounts_environment(std::move(*accounts));
}

} // namespace postern::storage

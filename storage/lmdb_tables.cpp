#include "storage/lmdb_tables.hpp"

#include "storage/big_endian.hpp"

#include "storage/file_env.hpp"

namespace postern::storage::lmdb {
namespace {

result<void> make_folder(const std::string& state_dir, const std::string& name) {
    auto& files = system_files();
    const auto state = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!state) return state.error();
    const auto made = files.make_folder(&*state, name);
    if (!made && made.error() == storage_errc::exists) return {};
    if (!made) return made;
    return files.sync_folder(*state);
}

} // namespace

result<std::unique_ptr<environment>> open_in(const std::string& state_dir, const std::string& name,
                                             const environment_options& with) {
    if (auto made = make_folder(state_dir, name); !made) return made.error();
    auto opened = environment::open(state_dir + "/" + name, with);
    if (!opened) return opened;
    if (auto cleared = (*opened)->clear_dead_readers(); !cleared) return cleared.error();
    return opened;
}

result<void> open_tables(transaction& within, std::initializer_list<named_table> tables, when_absent absent) {
    for (const auto& [name, handle] : tables) {
        const auto opened = within.open_table(name, absent);
        if (!opened) return opened.error();
        handle = *opened;
    }
    return {};
}

result<std::uint64_t> number_or_zero(const transaction& within, table in, std::string_view name) {
    const auto value = within.get(in, name);
    if (!value) return value.error();
    return *value ? big_endian(**value) : 0;
}

result<std::uint64_t> format_in(const transaction& within, table meta, std::uint64_t newest) {
    const auto version = number_or_zero(within, meta, "format");
    if (version && *version > newest) return storage_errc::newer_format;
    return version;
}

} // namespace postern::storage::lmdb

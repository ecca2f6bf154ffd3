#include "storage/server_secret.hpp"

#include "storage/small_file.hpp"

namespace postern::storage {

namespace {

constexpr const char* file_name = "secret";

} // namespace

result<std::string> server_secret(file_env& files, const std::string& state_dir, std::string_view fresh) {
    if (fresh.size() != server_secret_octets) return storage_errc::invalid;
    const auto folder = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!folder) return folder.error();
    auto known = read_small_file(files, *folder, file_name, server_secret_octets);
    if (known && known->size() != server_secret_octets) return storage_errc::corrupt;
    if (known || known.error() != storage_errc::not_found) return known;
    if (auto made = write_small_file(files, *folder, file_name, fresh); !made) return made.error();
    return std::string(fresh);
}

} // namespace postern::storage

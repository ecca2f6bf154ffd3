// Written under another name and renamed: a crash leaves a whole file or none.
#include "storage/server_secret.hpp"

#include <array>

namespace postern::storage {

namespace {

constexpr const char* file_name = "secret";
constexpr const char* unfinished_name = "secret.new";

result<std::string> read_secret(file_env& files, const file_handle& folder) {
    const auto file = files.open_file(&folder, file_name, open_mode::read);
    if (!file) return file.error();
    std::array<char, server_secret_octets + 1> octets{};
    std::size_t size = 0;
    while (size < octets.size()) {
        const auto got = files.read(*file, std::span(octets).subspan(size));
        if (!got) return got.error();
        if (*got == 0) break;
        size += *got;
    }
    if (size != server_secret_octets) return storage_errc::corrupt;
    return std::string(octets.data(), size);
}

result<void> write_secret(file_env& files, const file_handle& folder, std::string_view octets) {
    const auto file = files.open_file(&folder, unfinished_name, open_mode::create_empty);
    if (!file) return file.error();
    if (auto done = files.write_all(*file, octets); !done) return done;
    if (auto done = files.sync_data(*file); !done) return done;
    if (auto done = files.rename(folder, unfinished_name, folder, file_name); !done) return done;
    return files.sync_folder(folder);
}

} // namespace

result<std::string> server_secret(file_env& files, const std::string& state_dir, std::string_view fresh) {
    if (fresh.size() != server_secret_octets) return storage_errc::invalid;
    const auto folder = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!folder) return folder.error();
    auto known = read_secret(files, *folder);
    if (known || known.error() != storage_errc::not_found) return known;
    if (auto made = write_secret(files, *folder, fresh); !made) return made.error();
    return std::string(fresh);
}

} // namespace postern::storage

#include "storage/small_file.hpp"

namespace postern::storage {

result<std::string> read_small_file(file_env& files, const file_handle& folder, const std::string& name,
                                    std::size_t limit) {
    const auto file = files.open_file(&folder, name, open_mode::read);
    if (!file) return file.error();
    std::string octets(limit + 1, '\0');
    std::size_t size = 0;
    while (size < octets.size()) {
        const auto got = files.read(*file, std::span(octets).subspan(size));
        if (!got) return got.error();
        if (*got == 0) break;
        size += *got;
    }
    if (size > limit) return storage_errc::corrupt;
    octets.resize(size);
    return octets;
}

result<void> write_small_file(file_env& files, const file_handle& folder, const std::string& name,
                              std::string_view octets) {
    const std::string unfinished = name + ".new";
    const auto file = files.open_file(&folder, unfinished, open_mode::create_empty);
    if (!file) return file.error();
    if (auto done = files.write_all(*file, octets); !done) return done;
    if (auto done = files.sync_data(*file); !done) return done;
    if (auto done = files.rename(folder, unfinished, folder, name); !done) return done;
    return files.sync_folder(folder);
}

} // namespace postern::storage

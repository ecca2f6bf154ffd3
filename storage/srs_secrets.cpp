#include "storage/srs_secrets.hpp"

#include "storage/small_file.hpp"

#include <algorithm>

namespace postern::storage {

namespace {

constexpr const char* file_name = "srs_secrets";
constexpr std::size_t file_octets_max = 64 * 1024;

using secrets = std::vector<std::string>;

result<secrets> secrets_in(std::string_view text) {
    secrets made;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        if (line.size() < srs_secret_octets_min || line.size() > srs_secret_octets_max)
            return storage_errc::corrupt;
        made.emplace_back(line);
    }
    if (made.empty() || made.size() > srs_secrets_max) return storage_errc::corrupt;
    return made;
}

} // namespace

result<secrets> read_srs_secrets(file_env& files, const std::string& state_dir) {
    const auto folder = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!folder) return folder.error();
    const auto text = read_small_file(files, *folder, file_name, file_octets_max);
    if (!text) return text.error();
    return secrets_in(*text);
}

result<secrets> make_srs_secrets(file_env& files, const std::string& state_dir, std::string_view fresh) {
    auto known = read_srs_secrets(files, state_dir);
    if (known || known.error() != storage_errc::not_found) return known;
    const auto folder = files.open_folder(nullptr, state_dir, folder_links::follow);
    if (!folder) return folder.error();
    const auto text = std::string(fresh) + '\n';
    auto made = secrets_in(text);
    if (!made || made->size() != 1) return storage_errc::invalid;
    if (auto done = write_small_file(files, *folder, file_name, text); !done) return done.error();
    return made;
}

} // namespace postern::storage

// Archives by libarchive's writers and by 7z.
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/policy/content/archives.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace postern::policy::content::testing {
namespace {

la_ssize_t append(archive*, void* to, const void* octets, std::size_t size) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(octets), size);
    return static_cast<la_ssize_t>(size);
}

void need(int got, archive* from) {
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) throw std::runtime_error(archive_error_string(from));
}

} // namespace

std::string make_archive(const std::string& format, const std::vector<file>& files,
                         const std::vector<std::string>& filters, const std::string& options) {
    std::string out;
    archive* writer = archive_write_new();
    need(archive_write_set_format_by_name(writer, format.c_str()), writer);
    for (const std::string& one : filters)
        need(archive_write_add_filter_by_name(writer, one.c_str()), writer);
    if (!options.empty()) need(archive_write_set_options(writer, options.c_str()), writer);
    archive_write_set_bytes_in_last_block(writer, 1);
    need(archive_write_open(writer, &out, nullptr, append, nullptr), writer);
    for (const file& one : files) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, one.name.c_str());
        archive_entry_set_size(entry, static_cast<la_int64_t>(one.octets.size()));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        need(archive_write_header(writer, entry), writer);
        if (archive_write_data(writer, one.octets.data(), one.octets.size()) < 0)
            throw std::runtime_error(archive_error_string(writer));
        archive_entry_free(entry);
    }
    need(archive_write_close(writer), writer);
    archive_write_free(writer);
    return out;
}

bool have_7z() { return std::system("7z >/dev/null 2>&1 </dev/null") == 0; } // NOLINT: a test's own program

std::string make_by_7z(const std::string& arguments, const std::string& archive,
                       const std::vector<file>& files) {
    const postern::testing::temporary_folder folder;
    std::string names;
    for (const file& one : files) {
        std::ofstream(folder.path() + "/" + one.name, std::ios::binary) << one.octets;
        names += " '" + one.name + "'";
    }
    const auto command =
        "cd '" + folder.path() + "' && 7z a " + arguments + " '" + archive + "'" + names + " >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("7z failed: " + command); // NOLINT
    std::filesystem::path made = folder.path() + "/" + archive;
    if (!std::filesystem::exists(made)) made += ".001";
    std::ifstream in(made, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace postern::policy::content::testing

// Archives made byte by byte, by libarchive's writers, and by 7z, for the tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content::testing {

std::uint32_t crc32(std::string_view octets);
std::string little(std::uint64_t value, unsigned width);

// A stored entry of a ZIP; what its local header says otherwise than its central one is to be said.
struct zip_file {
    std::string name, octets;
    std::string local_name = {}; // "" = name
    std::uint16_t flags = 0, local_flags = 0, method = 0;
    std::string extra = {};
    std::string before = {};            // octets in front of its local header
    std::int64_t same_as = -1;          // no local header of its own: that entry's
    std::uint64_t claimed_unpacked = 0; // 0 = its size
};
struct zip_shape {
    std::string prefix = {}, comment = {}, behind = {};
    bool directory = true, adjusted = false; // adjusted: offsets count the prefix
    int count_more = 0;                      // the end says so many more
    int zip64_more = -1;                     // >= 0: a ZIP64 record, that says so many entries more
    std::string before_directory = {};
};
std::string make_zip(const std::vector<zip_file>& files, const zip_shape& shape = {});
std::string unicode_path(std::string_view raw, std::string_view name); // an extra field

struct file {
    std::string name, octets;
};
// By libarchive: "zip", "7zip", "cpio", "iso9660", "ustar", "xar", "arbsd"; filter "gzip" and so on, in
// order.
std::string make_archive(const std::string& format, const std::vector<file>& files,
                         const std::vector<std::string>& filters = {}, const std::string& options = {});
// By the program 7z: `arguments` behind "7z a", before the archive's name.
std::string make_by_7z(const std::string& arguments, const std::string& archive,
                       const std::vector<file>& files);
bool have_7z();

// Stored entries (method m0).
struct rar_shape {
    bool encrypted_data = false, encrypted_headers = false, volume = false;
};
std::string make_rar4(const std::vector<file>& files, const rar_shape& shape = {});
std::string make_rar5(const std::vector<file>& files, const rar_shape& shape = {});

std::string make_cab(const std::vector<file>& files); // stored
std::string make_lha(const std::vector<file>& files); // -lh0-

} // namespace postern::policy::content::testing

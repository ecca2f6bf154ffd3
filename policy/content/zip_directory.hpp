// Our own reading of a ZIP file's structure (PKWARE APPNOTE 6.3): every name that any unpacker might see, and
// every place where unpackers would see different things. It unpacks nothing, opens nothing, and fails on
// nothing; it is pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::policy::content {

// Where a name stands.
enum class zip_place : std::uint8_t {
    central, // in a central directory
    local,   // in the header before the entry's octets, where that differs, or where no directory has it
    unicode, // in an Info-ZIP Unicode Path extra field (0x7075)
};

// Views are into the octets that were read.
struct zip_name {
    std::string_view name; // any octets, up to 65,535
    zip_place place = zip_place::central;
    bool encrypted = false; // by any of its headers
    std::uint16_t method = 0;
    std::uint64_t packed = 0, unpacked = 0; // as its header says
};

enum class zip_oddity : std::uint8_t {
    names_differ,        // central and local header, or the extension of the Unicode path
    flags_differ,        // one header says that the entry is encrypted
    methods_differ,      // of the two headers
    sizes_differ,        // likewise
    no_local_header,     // where the directory says that one is
    overlapping_entries, // the same octets are of several entries
    entry_not_listed,    // a local header that no directory knows
    count_differs,       // the directory has more or fewer entries than its end says
    directory_misplaced, // it is elsewhere than its end says, or there is one in both places
    several_directories, // more than one end of a directory, outside of entries
    end_in_comment,      // an end of a directory within another one's comment
    zip64_differs,       // the ZIP64 records say something else than those that they stand for
    no_directory,        // local headers only
    several_volumes,     // a piece of an archive
    encrypted_directory, // APPNOTE 7: names are hidden
    too_many,            // `most` was reached; what lies behind was not looked at
};
inline constexpr std::size_t zip_oddity_count = static_cast<std::size_t>(zip_oddity::too_many) + 1;
// "zip: names differ", for reports. Static storage.
std::string_view text_of(zip_oddity what);

struct zip_found {
    zip_oddity what = zip_oddity::too_many;
    std::string_view name; // of the first entry that shows it; may be empty
};

struct zip_listing {
    bool is_zip = false;   // it has a directory or a local header
    std::size_t first = 0; // the octet where the first local header is
    std::size_t end = 0;   // the one behind the last end of a directory
    std::vector<zip_name> names;
    std::vector<zip_found> odd; // each oddity once
    std::uint64_t entries = 0;
    std::uint64_t unpacked = 0; // of all entries, as their headers say; saturated
};

// Time: linear in `octets` and n log n in the entries; memory: `most` (entries, all directories together)
// times 64 octets.
zip_listing read_zip(std::string_view octets, std::size_t most);

} // namespace postern::policy::content

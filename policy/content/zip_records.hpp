// The records of a ZIP file, one by one (APPNOTE 4.3). Each is read at an offset, and is none where it does
// not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::policy::content {

inline constexpr std::string_view zip_local_sign = "PK\3\4", zip_central_sign = "PK\1\2",
                                  zip_end_sign = "PK\5\6", zip64_end_sign = "PK\6\6",
                                  zip64_locator_sign = "PK\6\7";
inline constexpr std::size_t zip_local_size = 30, zip_central_size = 46, zip_end_size = 22,
                             zip64_end_size = 56, zip64_locator_size = 20;

// Little-endian; 0 where the octets end before.
std::uint64_t zip_number(std::string_view octets, std::size_t at, unsigned width);

struct zip_header {               // local or central
    std::size_t at = 0, size = 0; // of the record, with its name, extra field and comment
    std::uint16_t needed = 0, flags = 0, method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, unpacked = 0; // the ZIP64 ones, where there are
    std::uint64_t local = 0;                // central only: where the local header is
    bool bad_zip64 = false;                 // a ZIP64 value is needed and missing
    std::string_view name, extra;
    std::string_view unicode_name; // valid for this name (its CRC); else empty
    bool several_unicode = false;  // others that are valid say something else

    bool encrypted() const { return (flags & 0x2041U) != 0; } // bits 0, 6 and 13
    bool sizes_follow() const { return (flags & 8U) != 0; }   // in a data descriptor
};
std::optional<zip_header> read_zip_local(std::string_view octets, std::size_t at);
std::optional<zip_header> read_zip_central(std::string_view octets, std::size_t at);
// Either of them, if it looks like one that a program wrote: for signatures that were searched for. What does
// not costs no more than its name: headers that lie in each other can't make a search slow.
std::optional<zip_header> find_zip_header(std::string_view octets, std::size_t at);

struct zip_end {
    std::size_t at = 0;    // of the record PK\5\6
    std::size_t above = 0; // where its records begin: at the ZIP64 one, if there is one
    std::size_t after = 0; // behind its comment, as far as that is there
    std::uint64_t entries = 0, size = 0, offset = 0;
    bool zip64 = false, zip64_differs = false, several_volumes = false;
};
std::optional<zip_end> read_zip_end(std::string_view octets, std::size_t at);

} // namespace postern::policy::content

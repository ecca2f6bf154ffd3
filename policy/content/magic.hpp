// What a file is by its octets, as far as it holds other files. Names play no part.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::policy::content {

enum class container : std::uint8_t {
    zip,
    rar,
    seven_zip,
    tar,
    cab,
    iso,
    lha,
    cpio,
    xar,
    ar,
    compressed, // one file, or a tar or cpio archive: gzip, bzip2, xz, zstd, lz4, lzma, compress, lzip, rpm
    unknown,    // one that we have no reader for
};

struct recognised {
    container what = container::unknown;
    std::string_view label; // "7z", for reports. Static storage.
    std::size_t at = 0;     // where it begins
    bool sure = true;       // else it may be something else that looks like it
};

// What stands at the beginning, if it is a container, then what stands further in: a self-extracting program
// has its archive behind it, and a file may be two things at once. At most eight. Linear.
std::vector<recognised> recognise(std::string_view octets);

// Whether `octets` begin like a message (RFC 5322): fields, two of them of those that messages have.
bool looks_like_message(std::string_view octets);

// A piece of an archive that was cut into several, by its name: ".7z.001", ".part2.rar", ".r01", ".z01".
bool names_a_volume(std::string_view name);

} // namespace postern::policy::content

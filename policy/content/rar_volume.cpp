// RAR 4: the main header's flags, bit 0. RAR 5: the main header's archive flags, bit 0.
#include "policy/content/rar_volume.hpp"

#include "policy/content/zip_records.hpp"

namespace postern::policy::content {
namespace {

using namespace std::string_view_literals;

// RAR 5's variable length integer: seven bits an octet, the lowest first.
std::uint64_t take_integer(std::string_view octets, std::size_t& at) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < octets.size() && shift < 63; shift += 7) {
        const auto octet = static_cast<unsigned char>(octets[at++]);
        value |= std::uint64_t(octet & 0x7fU) << shift;
        if ((octet & 0x80U) == 0) break;
    }
    return value;
}

} // namespace

bool is_rar_volume(std::string_view octets) {
    constexpr auto four = "Rar!\x1a\7\0"sv, five = "Rar!\x1a\7\1\0"sv;
    if (octets.starts_with(four)) {
        const bool main = octets.size() > 12 && octets[9] == 0x73;
        return main && (zip_number(octets, 10, 2) & 1U) != 0;
    }
    std::size_t at = five.size() + 4; // behind the CRC
    take_integer(octets, at);         // size
    const auto type = take_integer(octets, at), flags = take_integer(octets, at);
    if (type != 1) return false;
    if ((flags & 1U) != 0) take_integer(octets, at); // of the extra area
    return (take_integer(octets, at) & 1U) != 0;
}

} // namespace postern::policy::content

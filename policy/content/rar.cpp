// RAR 4: the main header's flags, bit 0. RAR 5: blocks of a CRC, and then integers of seven bits an octet,
// the lowest first: size, type, flags, the size of the extra area (flag 1), that of the octets behind (flag
// 2).
#include "policy/content/rar.hpp"

#include "policy/content/zip_records.hpp"

#include <algorithm>
#include <optional>

namespace postern::policy::content {
namespace {

using namespace std::string_view_literals;

constexpr auto signature_4 = "Rar!\x1a\7\0"sv, signature_5 = "Rar!\x1a\7\1\0"sv;
constexpr std::uint64_t main_header = 1, file_header = 2, encryption_record = 1;

std::uint64_t take_integer(std::string_view octets, std::size_t& at) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < octets.size() && shift < 63; shift += 7) {
        const auto octet = static_cast<unsigned char>(octets[at++]);
        value |= std::uint64_t(octet & 0x7fU) << shift;
        if ((octet & 0x80U) == 0) break;
    }
    return value;
}

struct block {
    std::uint64_t type = 0;
    std::string_view fields, extra; // of its type; the records of the extra area
    std::uint64_t whole = 0;        // octets, with those behind the header
};

std::optional<block> read_block(std::string_view octets) {
    std::size_t at = 4;
    const auto size = take_integer(octets, at);
    if (size == 0 || at > octets.size() || size > octets.size() - at) return std::nullopt;
    const auto header = octets.substr(0, at + std::size_t(size));
    block read;
    read.type = take_integer(header, at);
    const auto flags = take_integer(header, at);
    const auto extra = (flags & 1U) != 0 ? take_integer(header, at) : 0;
    const auto behind = (flags & 2U) != 0 ? take_integer(header, at) : 0;
    read.fields = header.substr(std::min(at, header.size()));
    read.extra = read.fields.substr(read.fields.size() -
                                    std::size_t(std::min<std::uint64_t>(extra, read.fields.size())));
    const auto room = octets.size() - header.size();
    read.whole = header.size() + std::min<std::uint64_t>(behind, room);
    return read;
}

bool is_encrypted(std::string_view extra) {
    for (std::size_t at = 0; at < extra.size();) {
        const auto size = take_integer(extra, at);
        auto inside = at;
        if (take_integer(extra, inside) == encryption_record) return true;
        if (size == 0 || size > extra.size() - at) return false;
        at += std::size_t(size);
    }
    return false;
}

} // namespace

bool is_rar_volume(std::string_view octets) {
    if (octets.starts_with(signature_4)) {
        const bool main = octets.size() > 12 && octets[9] == 0x73;
        return main && (zip_number(octets, 10, 2) & 1U) != 0;
    }
    const auto first = read_block(octets.substr(std::min(octets.size(), signature_5.size())));
    if (!first || first->type != main_header) return false;
    std::size_t at = 0;
    return (take_integer(first->fields, at) & 1U) != 0;
}

std::vector<bool> rar5_encrypted(std::string_view octets, std::size_t most) {
    std::vector<bool> entries;
    if (!octets.starts_with(signature_5)) return entries;
    octets.remove_prefix(signature_5.size());
    while (entries.size() < most) {
        const auto one = read_block(octets);
        if (!one) break;
        if (one->type == file_header) entries.push_back(is_encrypted(one->extra));
        octets.remove_prefix(std::size_t(one->whole));
    }
    return entries;
}

} // namespace postern::policy::content

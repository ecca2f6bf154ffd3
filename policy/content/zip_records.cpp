// Sizes are checked before anything is taken; a ZIP64 value replaces one that is all ones.
#include "policy/content/zip_records.hpp"

#include <algorithm>
#include <array>

namespace postern::policy::content {
namespace {

constexpr std::uint32_t all_ones = 0xffffffff;
constexpr std::uint16_t zip64_field = 0x0001, unicode_field = 0x7075;

constexpr std::array<std::uint32_t, 256> crc_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xedb88320U ^ value >> 1U : value >> 1U;
        table[i] = value;
    }
    return table;
}();

std::uint32_t crc_of(std::string_view text) {
    std::uint32_t crc = all_ones;
    for (const char c : text) crc = crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ crc >> 8U;
    return crc ^ all_ones;
}

bool fits(std::string_view octets, std::size_t at, std::size_t size) {
    return at <= octets.size() && octets.size() - at >= size;
}

std::uint16_t short_at(std::string_view octets, std::size_t at) {
    return static_cast<std::uint16_t>(zip_number(octets, at, 2));
}

// The values of the ZIP64 extra field stand in this order, each only where the header's own is all ones.
void read_zip64(std::string_view values, zip_header& to) {
    std::size_t at = 0;
    for (std::uint64_t* one : {&to.unpacked, &to.packed, &to.local}) {
        if (*one != all_ones) continue;
        if (!fits(values, at, 8)) {
            to.bad_zip64 = true;
            return;
        }
        *one = zip_number(values, at, 8);
        at += 8;
    }
}

// Of several that are valid it is the last; `crc` is of the name, reckoned once however many fields there
// are.
void read_unicode(std::string_view value, std::optional<std::uint32_t>& crc, zip_header& to) {
    if (value.size() < 5 || value[0] != 1) return; // its only version
    if (!crc) crc = crc_of(to.name);
    if (static_cast<std::uint32_t>(zip_number(value, 1, 4)) != *crc) return;
    const auto name = value.substr(5);
    to.several_unicode = to.several_unicode || (!to.unicode_name.empty() && to.unicode_name != name);
    to.unicode_name = name;
}

void read_extra(zip_header& to) {
    bool zip64 = false;
    std::optional<std::uint32_t> crc;
    for (std::size_t at = 0; fits(to.extra, at, 4);) {
        const auto kind = short_at(to.extra, at);
        const auto value = to.extra.substr(at + 4, short_at(to.extra, at + 2));
        if (kind == zip64_field && !zip64) {
            zip64 = true;
            read_zip64(value, to);
        }
        if (kind == unicode_field) read_unicode(value, crc, to);
        at += 4 + value.size();
    }
    const bool needed = to.packed == all_ones || to.unpacked == all_ones || to.local == all_ones;
    to.bad_zip64 = to.bad_zip64 || (needed && !zip64);
}

// What both headers have, in the same order: `from` is where it begins.
void read_common(std::string_view octets, std::size_t from, zip_header& to) {
    to.needed = short_at(octets, from);
    to.flags = short_at(octets, from + 2);
    to.method = short_at(octets, from + 4);
    to.crc = static_cast<std::uint32_t>(zip_number(octets, from + 10, 4));
    to.packed = zip_number(octets, from + 14, 4);
    to.unpacked = zip_number(octets, from + 18, 4);
}

} // namespace

std::uint64_t zip_number(std::string_view octets, std::size_t at, unsigned width) {
    if (!fits(octets, at, width)) return 0;
    std::uint64_t value = 0;
    for (unsigned i = width; i > 0; --i) value = value << 8U | static_cast<unsigned char>(octets[at + i - 1]);
    return value;
}

namespace {

// Without what the extra fields say.
std::optional<zip_header> local_at(std::string_view octets, std::size_t at) {
    if (!fits(octets, at, zip_local_size) || octets.substr(at, 4) != zip_local_sign) return std::nullopt;
    zip_header read;
    read.at = at;
    read_common(octets, at + 4, read);
    const std::size_t name = short_at(octets, at + 26), extra = short_at(octets, at + 28);
    read.size = zip_local_size + name + extra;
    if (!fits(octets, at, read.size)) return std::nullopt;
    read.name = octets.substr(at + zip_local_size, name);
    read.extra = octets.substr(at + zip_local_size + name, extra);
    return read;
}

std::optional<zip_header> central_at(std::string_view octets, std::size_t at) {
    if (!fits(octets, at, zip_central_size) || octets.substr(at, 4) != zip_central_sign) return std::nullopt;
    zip_header read;
    read.at = at;
    read_common(octets, at + 6, read);
    read.local = zip_number(octets, at + 42, 4);
    const std::size_t name = short_at(octets, at + 28), extra = short_at(octets, at + 30),
                      comment = short_at(octets, at + 32);
    read.size = zip_central_size + name + extra + comment;
    if (!fits(octets, at, read.size)) return std::nullopt;
    read.name = octets.substr(at + zip_central_size, name);
    read.extra = octets.substr(at + zip_central_size + name, extra);
    return read;
}

bool is_plausible(const zip_header& local) {
    constexpr std::uint16_t known[] = {0,  1,  2,  3,  4,  5,  6,  8,  9,  10, 12,
                                       14, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99};
    const bool method = std::find(std::begin(known), std::end(known), local.method) != std::end(known);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    return method && (local.needed & 0xffU) <= 100 && !local.name.empty() && local.name.size() <= 4096 &&
           std::none_of(local.name.begin(), local.name.end(), control);
}

} // namespace

std::optional<zip_header> read_zip_local(std::string_view octets, std::size_t at) {
    auto read = local_at(octets, at);
    if (read) read_extra(*read);
    return read;
}

std::optional<zip_header> read_zip_central(std::string_view octets, std::size_t at) {
    auto read = central_at(octets, at);
    if (read) read_extra(*read);
    return read;
}

std::optional<zip_header> find_zip_header(std::string_view octets, std::size_t at) {
    auto read = local_at(octets, at);
    if (!read) read = central_at(octets, at);
    if (!read || !is_plausible(*read)) return std::nullopt;
    read_extra(*read);
    return read;
}

std::optional<zip_end> read_zip_end(std::string_view octets, std::size_t at) {
    if (!fits(octets, at, zip_end_size) || octets.substr(at, 4) != zip_end_sign) return std::nullopt;
    zip_end read;
    read.at = read.above = at;
    read.entries = short_at(octets, at + 10);
    read.size = zip_number(octets, at + 12, 4);
    read.offset = zip_number(octets, at + 16, 4);
    const auto volume = short_at(octets, at + 4);
    read.several_volumes = (volume != 0 && volume != 0xffff) || short_at(octets, at + 8) != read.entries;
    read.after = std::min(octets.size(), at + zip_end_size + short_at(octets, at + 20));
    const bool saturated = read.entries == 0xffff || read.size == all_ones || read.offset == all_ones;
    const bool located =
        at >= zip64_locator_size && octets.substr(at - zip64_locator_size, 4) == zip64_locator_sign;
    if (!located) {
        read.zip64_differs = read.size == all_ones || read.offset == all_ones;
        return read;
    }
    // The record stands right before its locator; the offset in there is wrong behind a prefix.
    const auto locator = at - zip64_locator_size;
    const auto claimed = zip_number(octets, locator + 8, 8);
    std::size_t record = locator >= zip64_end_size ? locator - zip64_end_size : locator;
    if (octets.substr(record, 4) != zip64_end_sign && claimed <= locator) record = std::size_t(claimed);
    read.zip64 = true;
    read.above = locator;
    if (octets.substr(record, 4) != zip64_end_sign || !fits(octets, record, zip64_end_size)) {
        read.zip64_differs = true;
        return read;
    }
    const auto differs = [](std::uint64_t small, std::uint64_t most, std::uint64_t large) {
        return small != most && small != large;
    };
    const auto entries = zip_number(octets, record + 32, 8), size = zip_number(octets, record + 40, 8),
               offset = zip_number(octets, record + 48, 8);
    read.zip64_differs = differs(read.entries, 0xffff, entries) || differs(read.size, all_ones, size) ||
                         differs(read.offset, all_ones, offset) ||
                         (claimed != record && claimed <= octets.size() &&
                          octets.substr(std::size_t(claimed), 4) == zip64_end_sign);
    read.above = record;
    // Readers that see nothing saturated go by the old record.
    if (saturated || !read.zip64_differs) {
        read.entries = entries;
        read.size = size;
        read.offset = offset;
    }
    return read;
}

} // namespace postern::policy::content

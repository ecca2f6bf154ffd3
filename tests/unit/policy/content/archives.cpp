#include "tests/unit/policy/content/archives.hpp"

#include <array>

namespace postern::policy::content::testing {
namespace {

std::string header(const zip_file& one, const std::string& name, std::uint16_t flags) {
    const auto size = one.octets.size();
    const auto unpacked = one.claimed_unpacked == 0 ? size : one.claimed_unpacked;
    return little(20, 2) + little(flags, 2) + little(one.method, 2) + little(0, 4) +
           little(crc32(one.octets), 4) + little(size, 4) + little(unpacked, 4) + little(name.size(), 2) +
           little(one.extra.size(), 2);
}

} // namespace

std::uint32_t crc32(std::string_view octets) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit)
                value = (value & 1U) != 0 ? 0xedb88320U ^ value >> 1U : value >> 1U;
            made[i] = value;
        }
        return made;
    }();
    std::uint32_t crc = 0xffffffff;
    for (const char c : octets) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ crc >> 8U;
    return crc ^ 0xffffffff;
}

std::string little(std::uint64_t value, unsigned width) {
    std::string out;
    for (unsigned i = 0; i < width; ++i) out += static_cast<char>(i < 8 ? value >> (8 * i) & 0xffU : 0);
    return out;
}

std::string unicode_path(std::string_view raw, std::string_view name) {
    return little(0x7075, 2) + little(5 + name.size(), 2) + little(1, 1) + little(crc32(raw), 4) +
           std::string(name);
}

std::string make_zip(const std::vector<zip_file>& files, const zip_shape& shape) {
    std::string out = shape.prefix, directory;
    std::vector<std::size_t> places;
    const std::size_t base = shape.adjusted ? 0 : shape.prefix.size();
    for (const zip_file& one : files) {
        out += one.before;
        places.push_back(one.same_as < 0 ? out.size() : places[static_cast<std::size_t>(one.same_as)]);
        const auto& local = one.local_name.empty() ? one.name : one.local_name;
        if (one.same_as < 0)
            out += "PK\3\4" + header(one, local, static_cast<std::uint16_t>(one.flags ^ one.local_flags)) +
                   local + one.extra + one.octets;
        directory += "PK\1\2" + little(0x31e, 2) + header(one, one.name, one.flags) +
                     little(0, 2 + 2 + 2 + 4) + little(places.back() - base, 4) + one.name + one.extra;
    }
    if (!shape.directory) return out;
    out += shape.before_directory;
    const auto at = out.size() - base;
    out += directory;
    if (shape.zip64_more >= 0) {
        const auto record = out.size() - base;
        const auto count = files.size() + static_cast<std::size_t>(shape.zip64_more);
        out += "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(count, 8) +
               little(count, 8) + little(directory.size(), 8) + little(at, 8);
        out += "PK\6\7" + little(0, 4) + little(record, 8) + little(1, 4);
    }
    const auto count = files.size() + static_cast<std::size_t>(shape.count_more);
    out += "PK\5\6" + little(0, 4) + little(count, 2) + little(count, 2) + little(directory.size(), 4) +
           little(at, 4) + little(shape.comment.size(), 2) + shape.comment + shape.behind;
    return out;
}

namespace {

std::string rar4_block(std::string body) { // from its type on
    return little(crc32(body) & 0xffffU, 2) + body;
}

std::string rar5_block(const std::string& body) {     // from its type on
    const auto sized = little(body.size(), 1) + body; // below 128 octets
    return little(crc32(sized), 4) + sized;
}

} // namespace

std::string make_rar4(const std::vector<file>& files, const rar_shape& shape) {
    const unsigned main_flags = (shape.encrypted_headers ? 0x80U : 0U) | (shape.volume ? 1U : 0U);
    std::string out("Rar!\x1a\7\0", 7);
    out += rar4_block(little(0x73, 1) + little(main_flags, 2) + little(13, 2) + little(0, 6));
    for (const file& one : files) {
        const unsigned flags = 0x8000U | (shape.encrypted_data ? 4U : 0U);
        const auto size = one.octets.size();
        out += rar4_block(little(0x74, 1) + little(flags, 2) + little(32 + one.name.size(), 2) +
                          little(size, 4) + little(size, 4) + little(2, 1) + little(crc32(one.octets), 4) +
                          little(0x58000000, 4) + little(20, 1) + little(0x30, 1) +
                          little(one.name.size(), 2) + little(0x20, 4) + one.name);
        out += one.octets;
    }
    return out + rar4_block(little(0x7b, 1) + little(0x4000, 2) + little(7, 2));
}

std::string make_rar5(const std::vector<file>& files, const rar_shape& shape) {
    std::string out("Rar!\x1a\7\1\0", 8);
    const auto integer = [](std::uint64_t value) {
        std::string made;
        for (; value >= 0x80; value >>= 7U) made += static_cast<char>((value & 0x7fU) | 0x80U);
        return made + static_cast<char>(value);
    };
    if (shape.encrypted_headers)
        out += rar5_block(little(4, 1) + little(0, 1) + little(0, 1) + little(0, 1) + little(15, 1) +
                          std::string(16, 's'));
    out += rar5_block(little(1, 1) + little(0, 1) + little(shape.volume ? 1 : 0, 1));
    for (const file& one : files) {
        // File encryption record: type 1, version, flags, count, salt, initial vector.
        const auto sealed = little(1, 1) + little(0, 1) + little(0, 1) + little(15, 1) + std::string(32, 's');
        const auto extra = shape.encrypted_data ? integer(sealed.size()) + sealed : std::string();
        const auto size = one.octets.size();
        out += rar5_block(little(2, 1) + little(extra.empty() ? 2 : 3, 1) +
                          (extra.empty() ? std::string() : integer(extra.size())) + integer(size) +
                          little(4, 1) + integer(size) + little(0x20, 1) + little(crc32(one.octets), 4) +
                          little(0, 1) + little(1, 1) + integer(one.name.size()) + one.name + extra);
        out += one.octets;
    }
    return out + rar5_block(little(5, 1) + little(4, 1) + little(0, 1));
}

std::string make_cab(const std::vector<file>& files) {
    std::string data, entries;
    for (const file& one : files) {
        entries += little(one.octets.size(), 4) + little(data.size(), 4) + little(0, 2) + little(0x2100, 2) +
                   little(0, 2) + little(0x20, 2) + one.name + '\0';
        data += one.octets;
    }
    const auto first = 36U + 8U, body = first + static_cast<unsigned>(entries.size());
    const auto block = little(0, 4) + little(data.size(), 2) + little(data.size(), 2) + data;
    return "MSCF" + little(0, 4) + little(body + block.size(), 4) + little(0, 4) + little(first, 4) +
           little(0, 4) + little(3, 1) + little(1, 1) + little(1, 2) + little(files.size(), 2) +
           little(0, 2) + little(1, 2) + little(0, 2) + little(body, 4) + little(1, 2) + little(0, 2) +
           entries + block;
}

std::string make_lha(const std::vector<file>& files) { // level 0
    std::string out;
    for (const file& one : files) {
        const auto size = one.octets.size();
        unsigned crc = 0;
        for (const char c : one.octets) {
            crc ^= static_cast<unsigned char>(c);
            for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1U ^ 0xa001U : crc >> 1U;
        }
        const auto body = "-lh0-" + little(size, 4) + little(size, 4) + little(0x58000000, 4) +
                          little(0x20, 1) + little(0, 1) + little(one.name.size(), 1) + one.name +
                          little(crc, 2);
        unsigned sum = 0;
        for (const char c : body) sum += static_cast<unsigned char>(c);
        out += little(body.size(), 1) + little(sum & 0xffU, 1) + body + one.octets;
    }
    return out + '\0';
}

} // namespace postern::policy::content::testing

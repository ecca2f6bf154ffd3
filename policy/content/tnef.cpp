// Attributes of level, identifier, length, octets and sum (MS-OXTNEF §2.1.3). An attachment begins with its
// rendering data; the names are in its title and among its MAPI properties (§2.1.3.3.13, §2.1.3.4).
#include "policy/content/tnef.hpp"

#include "policy/content/zip_records.hpp"

#include <algorithm>
#include <unistr.h>

namespace postern::policy::content {
namespace {

constexpr std::uint64_t rendering = 0x00069002, title = 0x00018010, data = 0x0006800f,
                        properties = 0x00069005;
constexpr std::size_t header = 6, names_max = 16, name_max = 4096;

enum property : std::uint16_t { // MS-OXPROPS
    display_name = 0x3001,
    data_object = 0x3701,
    filename = 0x3704,
    long_filename = 0x3707,
    transport_name = 0x370c,
};
enum kind : std::uint16_t { object = 0x0d, string8 = 0x1e, unicode = 0x1f, binary = 0x102 };

std::string from_utf16(std::string_view octets) {
    std::string out;
    for (std::size_t at = 0; at + 1 < octets.size(); at += 2) {
        auto point = static_cast<std::uint32_t>(zip_number(octets, at, 2));
        const auto next = static_cast<std::uint32_t>(zip_number(octets, at + 2, 2));
        if (point >= 0xd800 && point < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10U) + (next - 0xdc00);
            at += 2;
        }
        std::uint8_t made[6];
        const int length = u8_uctomb(made, point, sizeof made);
        if (length > 0) out.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(length));
    }
    return out;
}

void add_name(std::string name, tnef_file& to) {
    while (!name.empty() && name.back() == '\0') name.pop_back();
    const bool known = std::find(to.names.begin(), to.names.end(), name) != to.names.end();
    if (!name.empty() && !known && to.names.size() < names_max) to.names.push_back(std::move(name));
}

// Octets of a value of fixed size, padded; 0: it has a length.
std::size_t fixed_size(std::uint16_t type) {
    switch (type & 0xfffU) {
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x0a:
    case 0x0b: return 4;
    case 0x05:
    case 0x06:
    case 0x07:
    case 0x14:
    case 0x40: return 8;
    case 0x48: return 16;
    default: return 0;
    }
}

// Walks a list of MAPI properties as far as it can be followed.
class property_list {
  public:
    explicit property_list(std::string_view octets) : octets_(octets) {}

    void read(tnef_file& to) {
        const auto count = take(4);
        for (std::uint64_t i = 0; i < count && good_; ++i) read_one(to);
    }

  private:
    std::uint64_t take(unsigned width) {
        good_ = good_ && octets_.size() - at_ >= width;
        const auto value = good_ ? zip_number(octets_, at_, width) : 0;
        at_ += good_ ? width : 0;
        return value;
    }
    std::string_view take_octets(std::uint64_t size) { // padded to four
        const auto left = octets_.size() - at_;
        good_ = good_ && size <= left;
        if (!good_) return {};
        const auto value = octets_.substr(at_, std::size_t(size));
        at_ += std::min(left, (value.size() + 3) & ~std::size_t(3));
        return value;
    }
    void read_one(tnef_file& to) {
        const auto type = static_cast<std::uint16_t>(take(2)), id = static_cast<std::uint16_t>(take(2));
        if (id >= 0x8000) { // named: by a number or a text
            take_octets(16);
            const bool number = take(4) == 0;
            const auto value = take(4);
            if (!number) take_octets(value);
        }
        const auto fixed = fixed_size(type);
        const bool several = (type & 0x1000U) != 0;
        const auto values = several || fixed == 0 ? take(4) : 1;
        for (std::uint64_t i = 0; i < values && good_; ++i) {
            const auto value = take_octets(fixed != 0 ? fixed : take(4));
            if (good_) use(type & 0xfffU, id, value, to);
        }
    }
    static void use(unsigned type, std::uint16_t id, std::string_view value, tnef_file& to) {
        constexpr std::size_t interface_id = 16;
        if (id == data_object && (type == object || type == binary) && value.size() > interface_id)
            to.octets = type == object ? value.substr(interface_id) : value;
        const bool name = id == display_name || id == filename || id == long_filename || id == transport_name;
        if (!name) return;
        if (type == string8) add_name(std::string(value.substr(0, name_max)), to);
        if (type == unicode) add_name(from_utf16(value.substr(0, name_max)), to);
    }

    std::string_view octets_;
    std::size_t at_ = 0;
    bool good_ = true;
};

} // namespace

tnef_listing read_tnef(std::string_view octets, std::size_t most) {
    tnef_listing listing;
    for (std::size_t at = header; at < octets.size();) {
        const auto id = zip_number(octets, at + 1, 4), length = zip_number(octets, at + 5, 4);
        at += 9;
        if (at > octets.size() || length > octets.size() - at) {
            listing.whole = false;
            break;
        }
        const auto value = octets.substr(at, std::size_t(length));
        at += value.size() + 2;
        const bool of_file = id == rendering || id == title || id == data || id == properties;
        if (id == rendering || (of_file && listing.files.empty())) {
            if (listing.files.size() == most) {
                listing.whole = false;
                break;
            }
            listing.files.emplace_back();
        }
        if (id == title) add_name(std::string(value.substr(0, name_max)), listing.files.back());
        if (id == data) listing.files.back().octets = value;
        if (id == properties) property_list(value).read(listing.files.back());
    }
    return listing;
}

} // namespace postern::policy::content

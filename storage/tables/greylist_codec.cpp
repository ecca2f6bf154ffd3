// Keys and values of the greylist as octets. Pure.
#include "storage/tables/greylist_tables.hpp"

#include "storage/big_endian.hpp"

#include <algorithm>
#include <array>

namespace postern::storage {
namespace {

constexpr std::size_t time_octets = 5;
constexpr std::int64_t no_pass = greylist_time_max + 1;
constexpr std::size_t v4_octets = 4;
constexpr std::size_t network_octets = 8; // a /64

void put_time(std::string& to, std::int64_t time) {
    append_big_endian(to, static_cast<std::uint64_t>(time), time_octets);
}

std::int64_t time_at(std::string_view octets, std::size_t index) {
    return static_cast<std::int64_t>(big_endian(octets.substr(index * time_octets, time_octets)));
}

} // namespace

std::string encode_greylist_entry(const greylist_stored& stored) {
    std::string value;
    put_time(value, stored.entry.first);
    put_time(value, stored.entry.last_pass.value_or(no_pass));
    put_time(value, stored.row);
    return value;
}

std::optional<greylist_stored> decode_greylist_entry(std::string_view value) {
    if (value.size() != 3 * time_octets) return std::nullopt;
    greylist_stored stored;
    stored.entry.first = time_at(value, 0);
    if (const auto last = time_at(value, 1); last != no_pass) stored.entry.last_pass = last;
    stored.row = time_at(value, 2);
    if (std::max(stored.entry.first, stored.row) > greylist_time_max) return std::nullopt;
    return stored;
}

result<std::string> encode_greylist_key(const greylist_key& key) {
    if (key.sender.size() > greylist_sender_max || key.sender.find('\0') != std::string::npos)
        return storage_errc::invalid;
    const auto address = key.client.bytes();
    std::string octets(1, key.client.is_v4() ? '4' : '6');
    for (const auto octet : address.first(key.client.is_v4() ? v4_octets : network_octets))
        octets.push_back(static_cast<char>(octet));
    return octets + key.sender;
}

std::optional<greylist_key> decode_greylist_key(std::string_view octets) {
    if (octets.empty() || (octets.front() != '4' && octets.front() != '6')) return std::nullopt;
    const bool v4 = octets.front() == '4';
    const std::size_t length = v4 ? v4_octets : network_octets;
    if (octets.size() < 1 + length) return std::nullopt;
    std::array<std::uint8_t, 16> address{};
    std::transform(octets.begin() + 1, octets.begin() + 1 + static_cast<std::ptrdiff_t>(length),
                   address.begin(), [](char octet) { return static_cast<std::uint8_t>(octet); });
    greylist_key key;
    key.client = v4 ? protocol::ip_address::v4(std::span(address).first<4>())
                    : protocol::ip_address::v6(std::span<const std::uint8_t, 16>(address));
    key.sender = octets.substr(1 + length);
    return key;
}

} // namespace postern::storage

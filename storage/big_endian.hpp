// Numbers as octets, the highest first: as part of a key they sort by value. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::storage {

inline constexpr std::size_t number_octets = 8;

// The lowest `octets` octets of the value, at most number_octets.
inline void append_big_endian(std::string& to, std::uint64_t value, std::size_t octets = number_octets) {
    for (std::size_t left = octets; left > 0; --left)
        to.push_back(static_cast<char>(value >> (left - 1) * 8 & 0xff));
}

inline std::string big_endian_octets(std::uint64_t value) {
    std::string octets;
    append_big_endian(octets, value);
    return octets;
}

// The number in the first number_octets octets, or in all there are.
inline std::uint64_t big_endian(std::string_view octets) {
    std::uint64_t value = 0;
    for (const char octet : octets.substr(0, number_octets))
        value = value << 8 | static_cast<unsigned char>(octet);
    return value;
}

} // namespace postern::storage

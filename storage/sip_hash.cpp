#include "storage/sip_hash.hpp"

#include <bit>
#include <cstddef>

namespace postern::storage {
namespace {

constexpr std::size_t word_octets = 8;

std::uint64_t little_endian(const std::uint8_t* octets, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{octets[i]} << (8 * i);
    return value;
}

struct state {
    std::uint64_t a, b, c, d;

    void round() {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }
    void take(std::uint64_t word) {
        d ^= word;
        round();
        round();
        a ^= word;
    }
};

} // namespace

std::uint64_t sip_hash(const sip_key& key, std::string_view octets) {
    const auto low = little_endian(key.data(), word_octets);
    const auto high = little_endian(key.data() + word_octets, word_octets);
    state now{low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d, low ^ 0x6c7967656e657261,
              high ^ 0x7465646279746573};
    const auto* at = reinterpret_cast<const std::uint8_t*>(octets.data());
    std::size_t left = octets.size();
    for (; left >= word_octets; left -= word_octets, at += word_octets)
        now.take(little_endian(at, word_octets));
    now.take(little_endian(at, left) | std::uint64_t{octets.size() & 0xff} << 56);
    now.c ^= 0xff;
    for (int i = 0; i < 4; ++i) now.round();
    return now.a ^ now.b ^ now.c ^ now.d;
}

} // namespace postern::storage

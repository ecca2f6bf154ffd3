#include "policy/spam/lesson.hpp"

#include <algorithm>
#include <vector>

namespace postern::policy::spam {
namespace {

constexpr std::uint64_t mixed(std::uint64_t value) { // as MurmurHash3's fmix64
    value ^= value >> 33U;
    value *= 0xff51afd7ed558ccdU;
    value ^= value >> 33U;
    value *= 0xc4ceb9fe1a85ec53U;
    return value ^ value >> 33U;
}

} // namespace

std::string message_digest(std::span<const std::uint64_t> tokens) {
    std::vector<std::uint64_t> sorted(tokens.begin(), tokens.end());
    std::sort(sorted.begin(), sorted.end());
    std::string digest;
    for (std::uint64_t half : {0x243f6a8885a308d3U, 0x13198a2e03707344U}) { // two chains, of digits of pi
        for (const auto token : sorted) half = mixed(half ^ token) + 0x9e3779b97f4a7c15U;
        for (int shift = 56; shift >= 0; shift -= 8) digest += static_cast<char>(half >> shift & 0xffU);
    }
    return digest;
}

} // namespace postern::policy::spam

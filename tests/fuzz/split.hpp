// What the fuzz targets share: an input cut into pieces, whole, octet by octet, and at places that only the
// input decides, so that every finding repeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::fuzz {

inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

enum class cut { whole, every_octet, pseudo_random };

// The pieces are copies of their own, so that AddressSanitizer sees a read beyond one.
inline std::vector<std::string> pieces(std::string_view input, cut how) {
    std::uint64_t state = 0xcbf29ce484222325U;
    for (const char c : input) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    std::vector<std::string> result;
    while (!input.empty()) {
        std::size_t size = input.size();
        state = state * 6364136223846793005U + 1442695040888963407U;
        if (how == cut::every_octet) size = 1;
        if (how == cut::pseudo_random) size = 1 + (state >> 33U) % 9;
        result.emplace_back(input.substr(0, size));
        input.remove_prefix(result.back().size());
    }
    return result;
}

} // namespace postern::fuzz

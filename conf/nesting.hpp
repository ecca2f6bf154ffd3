// Keys of a thousand parts ("a.a.a.a = 1") make a table for each; the TOML library frees such a chain by
// recursion and runs off the stack. This looks over a text before it is parsed. Arrays and inline tables the
// library limits itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::conf {

inline constexpr std::size_t key_parts_max = 16;

struct text_position {
    std::uint32_t line = 1;
    std::uint32_t column = 1; // octets
};

// Where a key first has more than key_parts_max parts; nullopt when none has. Linear; takes any octets.
std::optional<text_position> too_many_key_parts(std::string_view toml);

} // namespace postern::conf

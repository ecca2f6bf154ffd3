#include "protocol/sasl/base64.hpp"

#include <array>
#include <cstdint>

namespace postern::protocol::sasl {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> made{};
    made.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        made[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return made;
}
constexpr auto digits = make_digits();

std::size_t padding_of(std::string_view text) {
    return text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
}

} // namespace

std::optional<secret> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::string_view significant = text.substr(0, text.size() - padding_of(text));
    secret octets;
    octets.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    unsigned held = 0; // bits that are not out yet: 0, 2, 4 or 6
    for (const char c : significant) {
        const std::uint8_t digit = digits[static_cast<unsigned char>(c)];
        if (digit == no_digit) return std::nullopt;
        bits = bits << 6U | digit;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        octets.push_back(static_cast<char>(bits >> held & 0xffU));
        bits &= (1U << held) - 1U;
    }
    if (held == 6 || bits != 0) return std::nullopt; // "A===", or another spelling of the same octets
    return octets;
}

std::string encode_base64(std::string_view octets) {
    std::string text;
    text.reserve((octets.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < octets.size(); at += 3) {
        const std::string_view group = octets.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? alphabet[bits >> (18U - 6U * i) & 63U] : '=';
    }
    return text;
}

} // namespace postern::protocol::sasl

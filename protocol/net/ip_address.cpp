// Text and bytes of an address. Parsing is libc's inet_pton, which is strict (no leading zeros, no octal, no
// zone) and independent of the locale; printing is ours, because inet_ntop writes ::1:2 as ::0.1.0.2.
#include "protocol/net/ip_address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t longest_text = 45; // "xxxx:" six times and a dotted quad

struct zero_run {
    std::size_t start = 8;
    std::size_t length = 0;
};

// RFC 5952 §4.2: the longest run of two or more zero groups, the first of them when they are equal.
zero_run longest_zero_run(const std::array<unsigned, 8>& groups) {
    zero_run best;
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) ++end;
        if (end - i >= 2 && end - i > best.length) best = {i, end - i};
        i = end + 1;
    }
    return best;
}

} // namespace

std::optional<ip_address> ip_address::parse(std::string_view text) {
    if (text.empty() || text.size() > longest_text) return std::nullopt;
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string terminated(text);
    std::array<std::uint8_t, 16> bytes{};
    if (text.find(':') == std::string_view::npos) {
        if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
        return v4(std::span(bytes).first<4>());
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
    return v6(bytes);
}

ip_address ip_address::v4(std::span<const std::uint8_t, 4> bytes) {
    ip_address address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

ip_address ip_address::v6(std::span<const std::uint8_t, 16> bytes) {
    if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin())) return v4(bytes.last<4>());
    ip_address address;
    address.v4_ = false;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

bool ip_address::is_loopback() const {
    const auto octets = bytes();
    if (v4_) return octets[0] == 127;
    return octets.back() == 1 && std::all_of(octets.begin(), octets.end() - 1, [](auto b) { return b == 0; });
}

ip_address ip_address::client_network() const {
    ip_address made = *this;
    if (!v4_) std::fill(made.bytes_.begin() + 8, made.bytes_.end(), std::uint8_t{0});
    return made;
}

std::string ip_address::to_string() const {
    if (v4_) return fmt::format("{}.{}.{}.{}", bytes_[0], bytes_[1], bytes_[2], bytes_[3]);
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = bytes_[2 * i] * 256U + bytes_[2 * i + 1];
    const zero_run run = longest_zero_run(groups);
    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == run.start) {
            text += "::";
            i += run.length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        fmt::format_to(std::back_inserter(text), "{:x}", groups[i]);
    }
    return text;
}

std::string ip_address::to_literal() const { return fmt::format("[{}{}]", v4_ ? "" : "IPv6:", to_string()); }

} // namespace postern::protocol

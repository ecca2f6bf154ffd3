// Networks as an address and a number of leading bits.
#include "protocol/net/cidr.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::protocol {
namespace {

constexpr unsigned mapped_bits = 96; // ::ffff:0:0/96 holds IPv4

// 1 to 3 digits without a leading zero.
std::optional<unsigned> parse_prefix(std::string_view text) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    unsigned prefix = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        prefix = prefix * 10 + static_cast<unsigned>(c - '0');
    }
    return prefix;
}

// The bits of byte number `index` that belong to a network of `prefix` bits.
std::uint8_t network_mask(std::size_t index, unsigned prefix) {
    if (prefix >= 8 * (index + 1)) return 0xff;
    if (prefix <= 8 * index) return 0;
    return static_cast<std::uint8_t>(0xff00U >> (prefix - 8 * index));
}

bool host_bits_are_zero(std::span<const std::uint8_t> bytes, unsigned prefix) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if ((bytes[i] & ~network_mask(i, prefix)) != 0) return false;
    }
    return true;
}

} // namespace

std::optional<cidr> cidr::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view address_text = text.substr(0, slash);
    const auto address = ip_address::parse(address_text);
    if (!address) return std::nullopt;
    const bool written_as_v6 = address_text.find(':') != std::string_view::npos;
    unsigned prefix = written_as_v6 ? 128 : 32;
    if (slash != std::string_view::npos) {
        const auto given = parse_prefix(text.substr(slash + 1));
        if (!given || *given > prefix) return std::nullopt;
        prefix = *given;
    }
    if (written_as_v6 && address->is_v4()) {
        if (prefix < mapped_bits) return std::nullopt;
        prefix -= mapped_bits;
    }
    if (!host_bits_are_zero(address->bytes(), prefix)) return std::nullopt;
    cidr network;
    network.network_ = *address;
    network.prefix_ = static_cast<std::uint8_t>(prefix);
    return network;
}

bool cidr::contains(const ip_address& address) const {
    if (address.is_v4() != network_.is_v4()) return false;
    const auto ours = network_.bytes();
    const auto theirs = address.bytes();
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (((ours[i] ^ theirs[i]) & network_mask(i, prefix_)) != 0) return false;
    }
    return true;
}

std::string cidr::to_string() const { return fmt::format("{}/{}", network_.to_string(), prefix_); }

bool contains(std::span<const cidr> networks, const ip_address& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const cidr& network) { return network.contains(address); });
}

} // namespace postern::protocol

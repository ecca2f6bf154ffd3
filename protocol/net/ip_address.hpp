// An IPv4 or IPv6 address as a value. IPv4-mapped IPv6 (::ffff:a.b.c.d) is always kept as IPv4, so that
// one client has one identity whichever socket it came in by. Knows no sockets.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::protocol {

class ip_address {
  public:
    ip_address() = default; // 0.0.0.0

    // Strict: dotted quad without leading zeros, or RFC 4291 text; no zone, no brackets, no port.
    static std::optional<ip_address> parse(std::string_view text);
    static ip_address v4(std::span<const std::uint8_t, 4> bytes);
    static ip_address v6(std::span<const std::uint8_t, 16> bytes); // a mapped address becomes IPv4

    bool is_v4() const { return v4_; }
    bool is_loopback() const; // 127.0.0.0/8 or ::1
    // 4 or 16 bytes in network order; lives as long as this object.
    std::span<const std::uint8_t> bytes() const {
        return {bytes_.data(), v4_ ? std::size_t{4} : std::size_t{16}};
    }

    // The one client that this address stands for where clients are counted: an IPv6 address is its /64,
    // which is what one subscriber is given (RFC 6177 §2); an IPv4 address is itself.
    ip_address client_network() const;

    std::string to_string() const;  // RFC 5952
    std::string to_literal() const; // RFC 5321 §4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]"

    auto operator<=>(const ip_address&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
    bool v4_ = true;
};

} // namespace postern::protocol

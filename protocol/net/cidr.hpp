// A network: "192.0.2.0/24", "2001:db8::/32", or a single address. Used for lists of trusted or exempt
// clients.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <span>

namespace postern::protocol {

class cidr {
  public:
    // Host bits below the prefix must be zero ("10.0.0.1/8" is refused: it is most often a mistake).
    static std::optional<cidr> parse(std::string_view text);

    bool contains(const ip_address& address) const; // families never match each other
    std::string to_string() const;
    const ip_address& address() const { return network_; } // the network's first
    std::uint8_t prefix() const { return prefix_; }        // its leading bits: 0 to 32, or to 128

    auto operator<=>(const cidr&) const = default;

  private:
    ip_address network_;
    std::uint8_t prefix_ = 32;
};

// Is the address in any of them?
bool contains(std::span<const cidr> networks, const ip_address& address);

} // namespace postern::protocol

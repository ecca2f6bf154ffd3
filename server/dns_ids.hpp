// Ids of DNS questions: from the kernel's random numbers, and unlike all those in flight (RFC 5452 §9.2). For
// one thread.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

namespace postern::server {

class dns_ids {
  public:
    // At most half of all ids may be in flight, or this takes long.
    std::uint16_t take();
    void give_back(std::uint16_t id) { taken_.reset(id); }

  private:
    std::uint16_t random();

    std::bitset<65536> taken_;
    std::array<std::uint16_t, 128> random_{}; // 256 octets come whole from getrandom(2)
    std::size_t left_ = 0;
};

} // namespace postern::server

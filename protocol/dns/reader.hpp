// Reads a DNS message from front to back. What isn't there reads as zero, and then failed() stays true and
// all that follows is zero as well: read a whole structure, then ask once. Never reads beyond its end.
#pragma once

#include "protocol/dns/name.hpp"

namespace postern::protocol {

class dns_reader {
  public:
    // The message is borrowed for the life of the reader and of its parts.
    explicit dns_reader(std::span<const std::uint8_t> message) : message_(message) {}

    std::uint8_t u8();
    std::uint16_t u16(); // network order
    std::uint32_t u32();
    dns_name name(); // pointers lead anywhere before it in the message
    std::span<const std::uint8_t> octets(std::size_t count);
    // The next `count` octets as a reader of their own, which knows the message before them too.
    dns_reader part(std::size_t count);

    std::size_t left() const { return message_.size() - at_; }
    bool failed() const { return failed_; }

  private:
    std::span<const std::uint8_t> message_; // up to where this reader may read
    std::size_t at_ = 0;                    // at most message_.size()
    bool failed_ = false;
};

} // namespace postern::protocol

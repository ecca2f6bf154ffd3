// Reads TNEF (MS-OXTNEF), Outlook's container for attachments ("winmail.dat"), in pieces of any size. Lenient
// as its readers are: checksums and levels that are wrong are noted, and it goes on. Memory: a few names.
#pragma once

#include "protocol/mime/mapi.hpp"

#include <optional>

namespace postern::protocol::mime {

inline constexpr std::string_view tnef_magic = "\x78\x9f\x3e\x22"; // MS-OXTNEF §2.1.3.1

class tnef_reader {
  public:
    explicit tnef_reader(std::size_t name_octets) : name_octets_(name_octets) {}

    // `octets` begin with tnef_magic.
    void feed(std::string_view octets, tnef_events& told);
    void finish(tnef_events& told); // no more octets come
    // Other readers may see other parts of it, or none.
    bool malformed() const { return malformed_; }

  private:
    enum class state : unsigned char { signature, header, data, checksum };
    enum class use : unsigned char { none, name, file, text, properties };

    void step(tnef_events& told);
    void begin_attribute(std::string_view header, tnef_events& told);
    void take_data(std::string_view octets, tnef_events& told);
    void end_attribute(tnef_events& told);

    std::size_t name_octets_;
    bool malformed_ = false;
    state state_ = state::signature;
    use use_ = use::none;
    std::string held_;      // of what is no data
    std::uint32_t due_ = 0; // octets of the attribute's data to come
    std::uint16_t checksum_ = 0;
    std::string name_;
    std::optional<mapi_reader> properties_;
};

} // namespace postern::protocol::mime

// Content transfer encodings (RFC 2045 §6) as lenient clients undo them: what is out of place is skipped or
// passed on, never an error, and noted. Octets in pieces of any size; holds at most decoder_held octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol::mime {

enum class encoding : unsigned char { identity, base64, quoted_printable };
std::string_view name_of(encoding how); // "identity", "base64", "quoted-printable"

inline constexpr std::size_t decoder_held = 128;

class transfer_decoder {
  public:
    explicit transfer_decoder(encoding how) : how_(how) {}

    encoding how() const { return how_; }
    // Appends to `out`, never more than the octets that were fed and held.
    void feed(std::string_view octets, std::string& out);
    // No more octets come.
    void finish(std::string& out);
    // Something was not as RFC 2045 §6.7 or §6.8 says. Line lengths don't matter.
    bool faulty() const { return faulty_; }

  private:
    void feed_base64(std::string_view octets, std::string& out);
    std::size_t feed_quanta(std::string_view octets, std::string& out);
    void end_quantum(std::string& out);
    void feed_quoted(std::string_view octets, std::string& out);
    void quoted_octet(char c, std::string& out);

    encoding how_;
    bool faulty_ = false;
    bool padded_ = false;  // base64: a quantum ended with "="
    unsigned sextets_ = 0; // of the quantum
    unsigned padding_ = 0; // "=" due after it
    std::uint32_t bits_ = 0;
    std::string held_; // quoted-printable: "=" and what follows it
};

// Whole texts at once.
std::string decode_base64(std::string_view text);
// RFC 2047 §4.2: "_" is a blank, "=XX" an octet; anything else stays.
std::string decode_q(std::string_view text);
// "%XX" is an octet; anything else stays (RFC 2231 §4).
std::string decode_percent(std::string_view text);

} // namespace postern::protocol::mime

// Compressed RTF, the form of a text in Outlook's messages (MS-OXRTFCP), in pieces of any size. Each octet of
// it makes at most nine. Memory: a dictionary of 4 KiB.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol::mime {

class rtf_decoder {
  public:
    rtf_decoder();
    // Appends to `out`.
    void feed(std::string_view octets, std::string& out);
    // Of what came: no known form, or less text than its header says.
    bool malformed() const { return form_ == form::unknown || form_ == form::none || made_ < announced_; }

  private:
    enum class form : unsigned char { none, compressed, plain, unknown, ended };

    void read_header();
    void step(unsigned char octet, std::string& out);
    void put(char c, std::string& out);
    void copy(unsigned reference, std::string& out);

    form form_ = form::none;
    std::string header_;
    std::uint32_t announced_ = 0; // octets of text
    std::uint64_t made_ = 0;
    unsigned bits_ = 0, bits_left_ = 0; // of the octet that says what follows
    int first_ = -1;                    // of the two octets of a reference
    std::array<char, 4096> dictionary_{};
    std::size_t at_ = 0;
};

} // namespace postern::protocol::mime

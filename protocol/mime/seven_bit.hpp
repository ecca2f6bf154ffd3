// A message with octets above 127 made fit for a server without 8BITMIME: RFC 6152 §3 has its parts encoded
// as quoted-printable or base64 (RFC 2045 §6) on the way. Line by line, in bounded memory. What may not be
// touched (signed parts, messages within messages, a header) and still holds such an octet is refused, as is
// what readers could take in two ways.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol::mime {

class seven_bit_writer {
  public:
    static constexpr std::size_t header_octets_max = 256 * 1024; // of one part
    static constexpr std::size_t depth_max = 32;                 // multiparts within multiparts
    static constexpr std::size_t held_max = 16 * 1024;           // of a line of the body

    // Lines end with CRLF; split anywhere. Appends what is ready. False: it can't be encoded, and there is
    // nothing more to feed.
    [[nodiscard]] bool feed(std::string_view octets, std::string& out);
    [[nodiscard]] bool finish(std::string& out);
    std::string_view refusal() const { return refusal_; } // why; "" = it can so far

  private:
    enum class manner : unsigned char { untouched, quoted_printable, base64 };
    enum class header_end : unsigned char { empty_line, cut_off };
    struct content_header; // what the fields of one part say
    struct container {
        std::string boundary; // with "--"
        bool is_digest = false;
    };

    void take_held(std::string& out);
    void take_line(std::string_view line, bool whole, std::string& out); // without CRLF; whole: one follows
    bool take_boundary(std::string_view line, std::string& out);
    void take_header_line(std::string_view line, std::string& out);
    void take_body(std::string_view line, bool whole, std::string& out);
    void end_header(header_end how, std::string& out);
    void begin_body(const content_header& header);
    void write_header(const content_header& header, std::string& out);
    void end_part(std::string& out);
    void add_base64(std::string_view octets, std::string& out);
    void flush_base64(std::string& out);
    void refuse(std::string_view why);

    std::string_view refusal_;
    std::string held_;          // of the line under way; its CRLF is seen by the LF
    bool at_line_start_ = true; // of held_
    bool in_header_ = true, is_top_ = true;
    std::vector<std::string> header_; // lines
    std::size_t header_octets_ = 0;
    std::vector<container> around_; // the multiparts that the line stands in, the innermost last
    manner manner_ = manner::untouched;
    bool owes_line_end_ = false; // base64: of the part, unless a boundary follows
    std::string group_;          // base64: not yet encoded
};

} // namespace postern::protocol::mime

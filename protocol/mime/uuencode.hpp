// Finds encoded files in text that comes in pieces of any size, as mail clients of old and some of today do:
// "begin 644 name", encoded lines, "end"; the same in base64 ("begin-base64", "===="); yEnc ("=ybegin",
// "=yend"). A lone CR ends a line too, as it does for some clients. Keeps at most one line of
// uuencode_line_max octets; of a row of blanks in a line that begins a file it keeps one.
#pragma once

#include "protocol/mime/decoder.hpp"
#include "protocol/mime/yenc.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::protocol::mime {

inline constexpr std::size_t uuencode_line_max =
    2048; // more than limits.name_octets, so that a name that is cut is found

enum class text_encoding : unsigned char { uuencode, base64, yenc };

class uuencode_events {
  public:
    virtual ~uuencode_events() = default;
    // Octets follow, then file_ends; files don't nest. The name may be empty.
    virtual void file_begins(text_encoding how, std::string_view name) = 0;
    virtual void file_octets(std::string_view decoded) = 0;
    virtual void file_ends() = 0;
};

class uuencode_scanner {
  public:
    void feed(std::string_view text, uuencode_events& told);
    void finish(uuencode_events& told); // no more text comes

  private:
    void take(std::string_view part, uuencode_events& told);
    void keep(std::string_view part);
    void take_yenc(std::string_view part, uuencode_events& told);
    void end_of_line(uuencode_events& told);
    bool ends_file(std::string_view line) const;
    void decode_line(std::string_view line, uuencode_events& told);
    bool look_for_begin(std::string_view line, uuencode_events& told);
    void begin(text_encoding how, std::string_view name, uuencode_events& told);
    void end(uuencode_events& told);
    bool in_yenc() const { return in_file_ && how_ == text_encoding::yenc; }

    std::string line_;      // what is kept of it
    bool skipping_ = false; // the rest of the line doesn't matter, or is decoded as it comes
    bool in_file_ = false;
    text_encoding how_ = text_encoding::uuencode; // of the file
    transfer_decoder base64_{encoding::base64};
    yenc_decoder yenc_;
};

} // namespace postern::protocol::mime

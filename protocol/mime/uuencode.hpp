// Finds uuencoded files in text that comes in pieces of any size, as mail clients of old and some of today
// do: a line "begin 644 name", encoded lines, a line "end". Also notes yEnc. Keeps at most one line of
// uuencode_line_max octets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::protocol::mime {

inline constexpr std::size_t uuencode_line_max = 1024;

class uuencode_events {
  public:
    virtual ~uuencode_events() = default;
    virtual void file_begins(std::string_view name) = 0; // octets follow, then file_ends; files don't nest
    virtual void file_octets(std::string_view decoded) = 0;
    virtual void file_ends() = 0;
    virtual void yenc_begins(std::string_view name) = 0; // "=ybegin ... name="; the name may be empty
};

class uuencode_scanner {
  public:
    void feed(std::string_view text, uuencode_events& told);
    void finish(uuencode_events& told); // no more text comes

  private:
    void take(std::string_view part);
    void end_of_line(uuencode_events& told);
    void look_for_begin(std::string_view line, uuencode_events& told);

    std::string line_;      // what is kept of it
    bool skipping_ = false; // the rest of the line doesn't matter
    bool in_file_ = false;
};

} // namespace postern::protocol::mime

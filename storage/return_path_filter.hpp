// Drops Return-Path fields from the header section of a message that comes in pieces of any size (RFC 5321
// §4.4: the host of final delivery removes them, then writes its own). Folded lines go with their field; the
// body, from the first empty line on, is never touched. It holds at most return_path_pending_max octets;
// every octet of the input is either passed on or dropped.
#pragma once

#include <string>
#include <string_view>

namespace postern::storage {

// "Return-Path", then blanks before the colon (RFC 5322 §4.5 allows them). With more blanks than fit it is no
// field.
inline constexpr std::size_t return_path_pending_max = 1000;

class return_path_filter {
  public:
    // Appends to `out` what stays.
    void feed(std::string_view octets, std::string& out);
    // No more octets come.
    void finish(std::string& out);

  private:
    enum class state { line_start, empty_line, name, blanks, keep_line, drop_line, body };

    std::string_view start_line(std::string_view rest, std::string& out);
    std::string_view end_header(std::string_view rest, std::string& out);
    std::string_view match_name(std::string_view rest, std::string& out);
    std::string_view match_colon(std::string_view rest, std::string& out);
    std::string_view rest_of_line(std::string_view rest, std::string& out);
    void keep(std::string& out);

    state state_ = state::line_start;
    bool dropping_ = false; // the field that the last line belongs to
    std::string pending_;   // octets whose fate is open
};

} // namespace postern::storage

// The content of a message made fit for DATA (RFC 5321 §4.5.2): a dot before each dot that begins a line, and
// at the end a CRLF where there is none, then the final dot. Split anywhere. The caller gives it no bare CR
// or LF and no NUL: it would pass them on.
#pragma once

#include <string>
#include <string_view>

namespace postern::protocol {

class data_encoder {
  public:
    void feed(std::string_view octets, std::string& out); // appends
    void finish(std::string& out);                        // appends the end

  private:
    // What stands before the next octet.
    enum class place { line_start, cr, within };
    place at_ = place::line_start;
};

} // namespace postern::protocol

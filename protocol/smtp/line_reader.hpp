// The one strict reader of SMTP command lines: only CRLF ends a line (RFC 5321 §2.3.8). Whatever the peer
// sends, it holds at most one line of max_length; a longer one is discarded as it comes, to its CRLF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::protocol {

enum class line_status {
    need_more,     // all input consumed, no line yet
    complete,      // `line` is a whole line without its CRLF
    too_long,      // a line longer than the limit ended here; it was discarded
    bare_line_end, // a CR without LF or a LF without CR: the caller answers and closes
    endless,       // far beyond the limit and still no CRLF: the caller answers and closes
};

class line_reader {
  public:
    // max_length counts the CRLF. Beyond max_length + endless_slack octets without CRLF the line is
    // `endless`.
    static constexpr std::size_t endless_slack = 64 * 1024;

    explicit line_reader(std::size_t max_length) : max_length_(max_length) {}

    struct outcome {
        line_status status = line_status::need_more;
        std::size_t consumed = 0; // octets of the input used up
        // complete: the line; a faulty line: its first octets (max_length at most), for the log and for
        // recognising a foreign protocol. Valid until the next call and while the input lives.
        std::string_view line;
    };

    // Reads at most one line from the front of `input`. Whole lines are not copied. The same octets give the
    // same outcomes however they are split; a CR that is last in the input waits for the next octet.
    outcome feed(std::string_view input);

    // Between lines only.
    void set_max_length(std::size_t max_length) { max_length_ = max_length; }
    // First octets of the line that is still incomplete (for recognising TLS or SSH on a plain port).
    std::string_view partial() const { return emitted_ ? std::string_view() : std::string_view(partial_); }
    void reset();

  private:
    outcome after_cr(char next);
    outcome wait_for_more(std::string_view input);
    outcome finish(line_status fault_or_complete, std::string_view rest_of_line, std::size_t consumed);
    void keep(std::string_view octets);

    std::size_t max_length_;
    std::size_t seen_ = 0;  // octets of the incomplete line so far, kept or not
    bool after_cr_ = false; // the last of them was a CR (not in partial_)
    bool emitted_ = false;  // partial_ holds the line returned last; clear it first
    std::string partial_;
};

} // namespace postern::protocol

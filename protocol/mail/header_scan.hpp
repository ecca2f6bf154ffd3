// Looks at the header section of a message as it comes in: counts what loop detection needs and where the
// header ends: at an empty line, or before the first line that is neither a field nor folded. Keeps a bounded
// part of one field; linear in its input; splits anywhere. From and Sender are kept as written, for
// author_list.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol {

struct kept_field {
    std::string text; // "From: a@b", unfolded and else as written, blanks before the colon too
    bool cut = false; // it was longer than what is kept
};

class header_scan {
  public:
    static constexpr std::size_t field_max = 1024;        // octets of a field that are looked at
    static constexpr std::size_t author_field_max = 8192; // of a From or Sender
    static constexpr std::size_t author_fields_max = 2;   // of each that may be looked at; one more is kept
    static constexpr std::size_t delivered_to_max = 200;  // fields that are kept

    void feed(std::string_view octets); // decoded content, CRLF lines; ignored after the header's end
    void end();                         // no more will come: a field that was not ended counts too
    bool finished() const { return finished_; }

    // Octets of what is known to be header so far; never grows less.
    std::uint64_t size() const;
    // A CR or LF without the other, or a NUL, in a line of the header: no reader agrees with another about
    // it.
    bool has_bare_line_end() const { return bare_line_end_; }
    bool has_nul() const { return nul_; }
    unsigned received() const { return received_; }
    const std::vector<std::string>& delivered_to() const {
        return delivered_to_;
    } // unfolded and trimmed, else as written
    bool has_date() const { return has_date_; }
    bool has_message_id() const { return has_message_id_; }       // an empty one too
    const std::string& message_id() const { return message_id_; } // the first one, likewise
    const std::vector<kept_field>& from() const { return from_; }
    const std::vector<kept_field>& sender() const { return sender_; }
    const std::vector<kept_field>& resent() const { return resent_; } // Resent-From and Resent-Sender
    // A line that begins as those of old mailbox files do, "From " without a colon. In it, or folded behind
    // it, some readers may find a From.
    bool has_mbox_line() const { return mbox_line_; }
    // The header ended before a line that is neither empty nor a field: readers disagree about what is
    // header.
    bool ended_by_other_line() const { return ended_by_other_line_; }

  private:
    bool line_is_folded() const;
    bool line_is_header() const;
    void look_at_octets(std::string_view part);
    void end_of_line();
    void take_field();
    void take_message_id(std::string_view value);
    void keep_author(std::vector<kept_field>& in);

    bool finished_ = false;
    std::uint64_t size_ = 0; // of the lines before line_
    unsigned received_ = 0;
    bool has_date_ = false;
    std::vector<std::string> delivered_to_;
    std::string message_id_;
    std::vector<kept_field> from_, sender_, resent_;
    bool mbox_line_ = false, has_message_id_ = false;
    bool ended_by_other_line_ = false;
    std::string field_;      // the one before the line, so far
    bool field_cut_ = false; // not all of it
    std::string line_;
    std::uint64_t line_octets_ = 0;
    bool bare_line_end_ = false, nul_ = false;
    bool line_bare_ = false, line_nul_ = false, after_cr_ = false; // in line_
};

} // namespace postern::protocol

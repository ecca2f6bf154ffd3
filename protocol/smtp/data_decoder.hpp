// What comes after 354 or BDAT, judged octet by octet. DATA: ends at CRLF.CRLF and nothing else, dots
// unstuffed. BDAT: the chunk length ends it, dots stay. Both notice bare CR and LF and NUL across any split
// of the input; a faulty message is read to its true end, so that the session stays in step, and then
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::protocol {

// Facts about the octets of one message so far. Line lengths exclude the CRLF.
struct content_facts {
    bool bare_line_end = false; // a CR without LF, or a LF without CR
    bool nul = false;
    bool eight_bit = false;
    std::uint64_t longest_line = 0;
    std::uint64_t size = 0; // octets after unstuffing, CRLF counted (RFC 1870 §3)
};

// DATA (RFC 5321 §4.1.1.4, §4.5.2).
class data_decoder {
  public:
    struct outcome {
        std::size_t consumed = 0;
        bool finished = false; // the terminating CRLF.CRLF was seen; nothing after it was consumed
    };
    // Appends decoded octets to `body` unless `keep` is discard (over the size limit, or already refused).
    // Octets, facts and end are the same however the input is split. After `finished` there is nothing more
    // to feed.
    enum class keep { store, discard };
    outcome feed(std::string_view input, std::string& body, keep what);

    const content_facts& facts() const { return facts_; }

  private:
    // Where the octet before the current one left us.
    enum class at : std::uint8_t { line_start, in_line, after_cr, dot_at_start, dot_cr };
    struct scan; // one input being read
    void step(scan& in);
    void step_in_line(scan& in);
    void step_after_cr(scan& in);
    void step_after_dot_cr(scan& in);

    at at_ = at::line_start;
    std::uint64_t line_length_ = 0;
    content_facts facts_;
};

// BDAT (RFC 3030): checks the octets of one chunk after another; the caller counts the chunk's length.
class chunk_decoder {
  public:
    void feed(std::string_view chunk_octets);
    void finish(); // after LAST: a CR at the very end is bare
    const content_facts& facts() const { return facts_; }

  private:
    bool after_cr_ = false;
    std::uint64_t line_length_ = 0;
    content_facts facts_;
};

} // namespace postern::protocol

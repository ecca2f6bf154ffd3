// Gathers the header of one part: the fields that say what its body is, and where the header ends or might
// end. Octets in pieces of any size; keeps at most the given number of them.
#pragma once

#include "protocol/mime/visitor.hpp"

#include <bitset>
#include <string>
#include <vector>

namespace postern::protocol::mime {

using findings = std::bitset<finding_count>;
inline void add(findings& to, finding what) { to.set(static_cast<std::size_t>(what)); }
inline bool contains(const findings& in, finding what) { return in.test(static_cast<std::size_t>(what)); }

enum class field_kind : unsigned char { type, disposition, encoding, name, description, location };

struct field {
    field_kind kind = field_kind::type;
    std::string value; // an LF stands before each folded line
};

enum class header_status : unsigned char {
    need_more,
    ended,    // behind an empty line: the body begins
    odd_line, // a line that is no field was read: line() is the body's first line for some readers
    blank,    // a line of blanks was read, or one that is empty for those who take a lone CR for a line end:
              // the body begins behind it for some readers
};

class header_section {
  public:
    explicit header_section(std::size_t octets_max) : octets_max_(octets_max) {}

    // Takes octets off the front of `octets`, at most one line; odd_line and blank come once at most.
    header_status feed(std::string_view& octets);
    // No more octets come.
    void finish();

    const std::vector<field>& fields() const { return fields_; } // whole after `ended` and finish()
    std::vector<field> fields_so_far() const;
    const std::string& line() const { return line_; } // the last one with its line end, as far as it is kept
    const findings& found() const { return found_; }

  private:
    std::size_t find_bare_end(std::string_view part);
    header_status end_of_line();
    void start_field(std::string_view line);
    void take_field();

    std::size_t octets_max_, kept_ = 0;
    std::string line_;
    bool line_done_ = false; // line_ is the one before; cleared with the next octet
    std::string field_;      // unfolded so far
    bool any_octet_ = false; // in the line, beside its end
    // What the last octets of the line are to those for whom a CR ends one.
    enum class bare : unsigned char {
        start,    // of a line for all
        start_cr, // CRs only
        text,
        end,   // a CR behind text
        empty, // more CRs behind it
    };
    bare bare_ = bare::start;
    // For a reader whose header ends at a line of mbox, and for one whose header ends at any other: once
    // each.
    bool any_line_ = false, may_begin_body_ = true, may_begin_at_mbox_ = true;
    std::vector<field> fields_;
    findings found_;
};

} // namespace postern::protocol::mime

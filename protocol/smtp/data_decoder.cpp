// The scanners of message octets. CR and LF are found with memchr, each searched once over the input, so that
// the time is linear whatever a peer sends; 8-bit octets and NUL are looked for over whole inputs at a time.
#include "protocol/smtp/data_decoder.hpp"

#include <algorithm>

namespace postern::protocol {
namespace {

// The next occurrence of one octet at or after a position that only grows.
class next_of {
  public:
    next_of(std::string_view input, char wanted) : input_(input), wanted_(wanted) {}
    std::size_t from(std::size_t position) {
        if (!known_ || next_ < position) {
            next_ = std::min(input_.find(wanted_, position), input_.size());
            known_ = true;
        }
        return next_;
    }

  private:
    std::string_view input_;
    char wanted_;
    std::size_t next_ = 0;
    bool known_ = false;
};

bool has_eight_bit(std::string_view octets) {
    unsigned char all = 0;
    for (const char c : octets) all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
    return all >= 0x80;
}

void note_octets(content_facts& facts, std::string_view octets) {
    if (!facts.eight_bit) facts.eight_bit = has_eight_bit(octets);
    if (!facts.nul) facts.nul = octets.find('\0') != std::string_view::npos;
}

struct line_progress {
    std::uint64_t& length;
    content_facts& facts;

    void add(std::uint64_t octets) { length += octets; }
    void add_bare() {
        facts.bare_line_end = true;
        ++length;
    }
    void measure() { facts.longest_line = std::max(facts.longest_line, length); }
    void end() {
        measure();
        length = 0;
    }
};

enum class stop { input_end, line_end, cr_at_end, bare };
struct scanned {
    std::size_t position; // first octet not yet looked at
    stop why;
};

// From inside a line to its end, to a bare CR or LF (which is then part of the line), or to the end of the
// input.
scanned scan_line(std::size_t from, std::size_t size, next_of& crs, next_of& lfs, line_progress line) {
    const std::size_t cr = crs.from(from);
    const std::size_t lf = lfs.from(from);
    const std::size_t first = std::min(cr, lf);
    line.add(first - from);
    if (first == size) return {size, stop::input_end};
    if (cr < lf && cr + 1 == size) return {size, stop::cr_at_end};
    if (lf == cr + 1) {
        line.end();
        return {lf + 1, stop::line_end};
    }
    line.add_bare();
    return {first + 1, stop::bare};
}

} // namespace

struct data_decoder::scan {
    std::string_view input;
    std::string& body;
    keep what;
    next_of crs, lfs;
    line_progress line;
    std::size_t position = 0;
    std::size_t stored = 0; // the octets before it are in the body, or belong to no body
    bool finished = false;

    void store(std::string_view octets) {
        line.facts.size += octets.size();
        if (what == keep::store) body.append(octets);
    }
    void store_run() { store(input.substr(stored, position - stored)); }
    void drop_octet() { stored = ++position; }
};

data_decoder::outcome data_decoder::feed(std::string_view input, std::string& body, keep what) {
    scan in{
        input, body, what, next_of(input, '\r'), next_of(input, '\n'), line_progress{line_length_, facts_}};
    while (in.position < input.size() && !in.finished) step(in);
    in.store_run();
    in.line.measure();
    note_octets(facts_, input.substr(0, in.position));
    return {in.position, in.finished};
}

void data_decoder::step(scan& in) {
    const char c = in.input[in.position];
    switch (at_) {
    case at::line_start:
        at_ = c == '.' ? at::dot_at_start : at::in_line;
        if (c != '.') return;
        in.store_run();
        in.drop_octet();
        return;
    case at::in_line: return step_in_line(in);
    case at::after_cr: return step_after_cr(in);
    case at::dot_at_start:
        at_ = c == '\r' ? at::dot_cr : at::in_line;
        if (c == '\r') in.drop_octet();
        return;
    case at::dot_cr: return step_after_dot_cr(in);
    }
}

void data_decoder::step_in_line(scan& in) {
    const scanned result = scan_line(in.position, in.input.size(), in.crs, in.lfs, in.line);
    in.position = result.position;
    if (result.why == stop::line_end) at_ = at::line_start;
    if (result.why == stop::cr_at_end) at_ = at::after_cr;
}

void data_decoder::step_after_cr(scan& in) {
    if (in.input[in.position] != '\n') {
        in.line.add_bare();
        at_ = at::in_line;
        return;
    }
    in.line.end();
    ++in.position;
    at_ = at::line_start;
}

void data_decoder::step_after_dot_cr(scan& in) {
    if (in.input[in.position] == '\n') {
        in.drop_octet();
        in.finished = true;
        return;
    }
    in.store("\r"); // it was content after all
    in.line.add_bare();
    at_ = at::in_line;
}

void chunk_decoder::feed(std::string_view chunk_octets) {
    if (chunk_octets.empty()) return;
    next_of crs(chunk_octets, '\r');
    next_of lfs(chunk_octets, '\n');
    line_progress line{line_length_, facts_};
    std::size_t position = 0;
    if (after_cr_ && chunk_octets.front() == '\n') {
        line.end();
        position = 1;
    } else if (after_cr_) {
        line.add_bare();
    }
    after_cr_ = false;
    while (position < chunk_octets.size()) {
        const scanned result = scan_line(position, chunk_octets.size(), crs, lfs, line);
        position = result.position;
        after_cr_ = result.why == stop::cr_at_end;
    }
    line.measure();
    facts_.size += chunk_octets.size();
    note_octets(facts_, chunk_octets);
}

void chunk_decoder::finish() {
    line_progress line{line_length_, facts_};
    if (after_cr_) line.add_bare();
    after_cr_ = false;
    line.measure();
}

} // namespace postern::protocol

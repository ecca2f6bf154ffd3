// Splits the body of a multipart (RFC 2046 §5.1.1). A line end before a delimiter belongs to it, so line ends
// are held until what follows is known. A delimiter of this multipart ends whatever is inside it; a multipart
// that was not finished is begun anew behind it, for readers that see only the innermost delimiters.
#include "protocol/mime/walk.hpp"

#include <algorithm>
#include <utility>

namespace postern::protocol::mime {
namespace {

bool ends_line(char c) { return c == '\r' || c == '\n'; }

std::string_view without_blanks_behind(std::string_view text) {
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// How many octets of line end stand before `at`.
std::size_t line_end_before(std::string_view octets, std::size_t at) {
    if (at == 0 || !ends_line(octets[at - 1])) return 0;
    return octets[at - 1] == '\n' && at > 1 && octets[at - 2] == '\r' ? 2 : 1;
}

class multipart final : public sink {
  public:
    multipart(walk& shared, part_id id, std::string boundary, unsigned depth, default_type of_parts)
        : shared_(shared), id_(id), depth_(depth), of_parts_(of_parts), boundary_(std::move(boundary)),
          child_(make_text_beside(shared, part_kind::preamble, id, depth)) {
        if (boundary_.empty()) shared_.report(id_, finding::missing_boundary);
    }
    ~multipart() override {
        end_lenient();
        while (!outliving_.empty()) forget_outliving(outliving_.end() - 1);
    }

    void feed(std::string_view octets) override;
    void end() override;
    void open_boundaries(std::vector<std::string>& to) const override {
        if (!closed_ && !boundary_.empty()) to.push_back(boundary_);
        child_->open_boundaries(to);
    }

  private:
    enum class state : unsigned char {
        plain,        // within a line
        line_start,   // held_ is the line end before it, if there is one
        dash,         // held_ is that and "-"
        candidate,    // held_ is that and "--" and what follows
        rest_of_line, // of a delimiter too long to be held
    };
    enum class reading : unsigned char { content, delimiter };

    void feed_plain(std::string_view& octets);
    bool may_be_delimiter(std::string_view octets, std::size_t at) const;
    bool step(char c);
    bool step_line_start(char c);
    bool end_candidate(char c);
    reading decide();
    reading decide_behind_boundary(std::string_view rest);
    void begin_child(bool last);
    void begin_lenient();
    void end_lenient();
    // An inner multipart that a delimiter of this one cut short, for those who look for its own ones only.
    struct outliving {
        std::string boundary;
        part_id id = 0;
        std::unique_ptr<sink> rest;
    };
    void end_outliving();
    void forget_outliving(std::vector<outliving>::iterator one);
    void begin_outliving(const std::vector<std::string>& boundaries);
    void pass(std::string_view octets);
    void pass_held() {
        pass(held_);
        held_.clear();
    }

    walk& shared_;
    part_id id_;
    unsigned depth_;
    default_type of_parts_;
    std::string boundary_;
    std::unique_ptr<sink> child_;   // for those who want the whole line to be the delimiter
    std::unique_ptr<sink> lenient_; // for those who look at its beginning only; else null
    bool lenient_is_new_ = false;
    std::vector<outliving> outliving_;
    state state_ = state::line_start;
    std::string held_;
    std::size_t line_end_ = 0; // octets of it at the front of held_
    bool swallow_lf_ = false;  // the CR before it ended a delimiter
    bool closed_ = false;
};

void multipart::feed(std::string_view octets) {
    shared_.work(octets.size());
    while (!octets.empty() && !shared_.given_up()) {
        if (state_ == state::plain)
            feed_plain(octets);
        else if (step(octets.front()))
            octets.remove_prefix(1);
    }
}

// Whether the line that begins with "--" at `at` may be one, as far as it is there.
bool multipart::may_be_delimiter(std::string_view octets, std::size_t at) const {
    if (line_end_before(octets, at) == 0) return false;
    const auto known = octets.substr(at + 2, boundary_.size());
    return known == std::string_view(boundary_).substr(0, known.size());
}

// Passes on what can't be part of a delimiter.
void multipart::feed_plain(std::string_view& octets) {
    constexpr unsigned cost = 8; // of a look at "--", beside an octet that is only searched
    std::uint64_t looks = 1;
    std::size_t hit = octets.find("--");
    for (; hit != std::string_view::npos && !may_be_delimiter(octets, hit); ++looks)
        hit = octets.find("--", hit + 2);
    shared_.work(looks * cost);
    std::size_t until = hit;
    state_ = state::line_start;
    if (hit == std::string_view::npos) {
        until = octets.size();
        const bool dash = octets.back() == '-' && line_end_before(octets, until - 1) != 0;
        if (dash) --until;
        if (dash)
            state_ = state::dash;
        else if (!ends_line(octets.back()))
            state_ = state::plain;
    }
    line_end_ = state_ == state::plain ? 0 : line_end_before(octets, until);
    pass(octets.substr(0, until - line_end_));
    const auto held_until = until + (state_ == state::dash ? 1 : 0);
    held_ = octets.substr(until - line_end_, held_until - until + line_end_);
    octets.remove_prefix(held_until);
}

// One octet; false: it is to be looked at again in the new state.
bool multipart::step(char c) {
    switch (state_) {
    case state::plain: return false;
    case state::line_start: return step_line_start(c);
    case state::dash:
        if (c == '-') {
            held_ += c;
            state_ = state::candidate;
            return true;
        }
        pass_held();
        state_ = state::plain;
        return false;
    case state::candidate:
        // Two more: the line end, and room for "--" behind the longest boundary.
        if (!ends_line(c) && held_.size() < shared_.bounds().boundary_octets + 16) {
            held_ += c;
            return true;
        }
        return end_candidate(c);
    case state::rest_of_line:
        if (ends_line(c)) {
            swallow_lf_ = c == '\r';
            state_ = state::line_start;
            line_end_ = 0;
        }
        return true;
    }
    return true;
}

bool multipart::step_line_start(char c) {
    if (std::exchange(swallow_lf_, false) && c == '\n') return true;
    if (c == '-') {
        line_end_ = held_.size();
        held_ += c;
        state_ = state::dash;
        return true;
    }
    if (c == '\n' && held_ == "\r") {
        held_ += c;
        return true;
    }
    pass_held();
    state_ = state::plain; // a line end too is looked at there, with all that follows at once
    return false;
}

// The line is complete, by the line end `c` or by its length. False: `c` is to be looked at again.
bool multipart::end_candidate(char c) {
    const auto what = decide();
    if (what == reading::content) {
        pass_held();
        state_ = state::plain;
        return false;
    }
    held_.clear();
    line_end_ = 0;
    state_ = ends_line(c) ? state::line_start : state::rest_of_line;
    swallow_lf_ = c == '\r';
    return true;
}

multipart::reading multipart::decide() {
    const auto line = std::string_view(held_).substr(line_end_ + 2);
    if (boundary_.empty())
        boundary_ = without_blanks_behind(line).substr(0, shared_.bounds().boundary_octets);
    if (boundary_.empty() || !line.starts_with(boundary_)) return reading::content;
    return decide_behind_boundary(without_blanks_behind(line.substr(boundary_.size())));
}

multipart::reading multipart::decide_behind_boundary(std::string_view rest) {
    const bool last = rest == "--";
    if (rest.empty() || last) {
        if (closed_ && !last) shared_.report(id_, finding::part_after_end);
        begin_child(last);
        return reading::delimiter;
    }
    // Another boundary that starts like this one, or a delimiter with something behind it.
    shared_.report(id_, finding::boundary_ambiguity);
    shared_.report(id_, finding::several_readings);
    pass_held();
    begin_lenient();
    return reading::content;
}

void multipart::begin_child(bool last) {
    end_outliving();
    std::vector<std::string> cut_short;
    child_->open_boundaries(cut_short);
    child_->end();
    end_lenient();
    begin_outliving(cut_short);
    closed_ = closed_ || last;
    if (last)
        child_ = make_text_beside(shared_, part_kind::epilogue, id_, depth_);
    else
        child_ = make_entity(shared_, id_, depth_ + 1, of_parts_);
}

void multipart::begin_lenient() {
    end_lenient();
    if (shared_.given_up() || !shared_.begin_reading(id_)) return;
    lenient_ = make_entity(shared_, id_, depth_ + 1, of_parts_);
    lenient_is_new_ = true;
}

void multipart::end_lenient() {
    if (!lenient_) return;
    lenient_->end();
    lenient_.reset();
    shared_.end_reading();
}

// Those that have come to their last delimiter. The line end that is held is theirs.
void multipart::end_outliving() {
    for (const outliving& one : outliving_) one.rest->feed(std::string_view(held_).substr(0, line_end_));
    for (auto one = outliving_.begin(); one != outliving_.end();) {
        std::vector<std::string> open;
        one->rest->open_boundaries(open);
        if (!open.empty()) {
            ++one;
            continue;
        }
        const auto index = one - outliving_.begin();
        one->rest->end();
        shared_.told().end_part(one->id);
        forget_outliving(one);
        one = outliving_.begin() + index;
    }
}

void multipart::forget_outliving(std::vector<outliving>::iterator one) {
    outliving_.erase(one);
    shared_.end_reading();
}

void multipart::begin_outliving(const std::vector<std::string>& boundaries) {
    for (const std::string& boundary : boundaries) {
        const auto same = [&](const outliving& one) { return one.boundary == boundary; };
        if (boundary == boundary_ || std::any_of(outliving_.begin(), outliving_.end(), same)) continue;
        if (shared_.given_up() || !shared_.begin_reading(id_)) return;
        part begun;
        begun.parent = id_;
        begun.kind = part_kind::multipart;
        begun.depth = depth_ + 1;
        begun.encoding = "identity";
        const auto id = shared_.begin(begun);
        if (id == 0) return shared_.end_reading();
        outliving_.push_back(
            {boundary, id, make_multipart(shared_, id, boundary, depth_ + 1, default_type::text)});
    }
}

void multipart::pass(std::string_view octets) {
    if (octets.empty()) return;
    child_->feed(octets);
    for (const outliving& one : outliving_) one.rest->feed(octets);
    if (!lenient_) return;
    if (std::exchange(lenient_is_new_, false)) { // the line end is the delimiter's
        const auto end = std::size_t(
            octets.front() == '\r' && octets.size() > 1 && octets[1] == '\n' ? 2 : ends_line(octets.front()));
        octets.remove_prefix(end);
    }
    lenient_->feed(octets);
}

void multipart::end() {
    // Without its line end a delimiter is one too.
    if (state_ == state::candidate && !shared_.given_up()) {
        if (decide() == reading::content) pass_held();
    } else {
        pass_held();
    }
    child_->end();
    end_lenient();
    for (const outliving& one : outliving_) {
        one.rest->end();
        shared_.told().end_part(one.id);
    }
    if (!closed_) shared_.report(id_, finding::unfinished_multipart);
}

} // namespace

std::unique_ptr<sink> make_multipart(walk& shared, part_id id, std::string boundary, unsigned depth,
                                     default_type of_parts) {
    return std::make_unique<multipart>(shared, id, std::move(boundary), depth, of_parts);
}

} // namespace postern::protocol::mime

// A CR within a line is a line end for some readers and a blank for others: such a field is looked at both
// ways.
#include "protocol/mime/header_section.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::protocol::mime {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trim(std::string_view text) {
    constexpr std::string_view around = " \t\r\n";
    const auto first = text.find_first_not_of(around);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(around) - first + 1);
}

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_mbox_line(std::string_view line) { return line.starts_with("From ") || line.starts_with(">From "); }

// RFC 5322 §2.2; §4.5 allows blanks before the colon.
bool is_field(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const auto name = trim(line.substr(0, colon));
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<field_kind> kind_of(std::string_view name) {
    struct row {
        std::string_view name;
        field_kind kind;
    };
    static constexpr row rows[] = {{"content-type", field_kind::type},
                                   {"content-disposition", field_kind::disposition},
                                   {"content-transfer-encoding", field_kind::encoding},
                                   {"content-name", field_kind::name},
                                   {"x-sun-data-name", field_kind::name},
                                   {"content-description", field_kind::description},
                                   {"content-location", field_kind::location}};
    for (const row& one : rows)
        if (equals_ignoring_case(name, one.name)) return one.kind;
    return {};
}

void add_field(std::string_view text, std::vector<field>& to) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return;
    if (const auto kind = kind_of(trim(text.substr(0, colon))))
        to.push_back({*kind, std::string(trim(text.substr(colon + 1)))});
}

void add_fields(std::string_view text, std::vector<field>& to) {
    add_field(text, to);
    for (auto cr = text.find('\r'); cr != std::string_view::npos; cr = text.find('\r')) {
        text.remove_prefix(cr + 1);
        add_field(text.substr(0, text.find('\r')), to);
    }
}

} // namespace

header_status header_section::feed(std::string_view& octets) {
    if (line_done_) {
        line_.clear();
        line_done_ = false;
    }
    const auto end = octets.find('\n');
    auto part = octets.substr(0, end == std::string_view::npos ? end : end + 1);
    const auto bare_end = may_begin_body_ ? find_bare_end(part) : std::string_view::npos;
    const bool within = bare_end < part.size();
    if (within) part = part.substr(0, bare_end);
    const auto kept = part.substr(0, octets_max_ - kept_);
    if (kept.size() < part.size() && trim(part.substr(kept.size())).size() > 0)
        add(found_, finding::overlong_header);
    any_octet_ = any_octet_ || part.find_first_not_of("\r\n") != std::string_view::npos;
    line_ += kept;
    kept_ += kept.size();
    octets.remove_prefix(part.size());
    if (within) {
        may_begin_body_ = false;
        return header_status::blank;
    }
    if (end == std::string_view::npos) return header_status::need_more;
    const bool empty = !std::exchange(any_octet_, false);
    if (kept_ == octets_max_ && line_.empty()) { // no more is kept, but the end of the header is to be seen
        if (empty) take_field();
        return empty ? header_status::ended : header_status::need_more;
    }
    const auto status = end_of_line();
    if (bare_end == std::string_view::npos || status != header_status::need_more) return status;
    may_begin_body_ = false;
    return header_status::blank;
}

// Where in `part`, or at its end, the body begins for those to whom a CR ends a line; else npos.
std::size_t header_section::find_bare_end(std::string_view part) {
    for (std::size_t at = 0; at < part.size(); ++at) {
        const char c = part[at];
        const auto before = bare_;
        if (c == '\n')
            bare_ = bare::start;
        else if (c == '\r')
            bare_ = before == bare::start || before == bare::start_cr ? bare::start_cr
                    : before == bare::text                            ? bare::end
                                                                      : bare::empty;
        else
            bare_ = bare::text;
        if (before == bare::empty && c != '\r') return c == '\n' ? at + 1 : at;
        if (before == bare::start_cr && bare_ == bare::text) return at;
    }
    return std::string_view::npos;
}

header_status header_section::end_of_line() {
    line_done_ = true;
    const auto line = without_line_end(line_);
    if (line.empty() && line_.size() <= 2) {
        take_field();
        return header_status::ended;
    }
    const bool first = !std::exchange(any_line_, true);
    constexpr std::string_view empty_looking = " \t\r\v\f";
    if (line.find_first_not_of(empty_looking) == line.npos) {
        add(found_, finding::blank_header_line);
        return std::exchange(may_begin_body_, false) ? header_status::blank : header_status::need_more;
    }
    if (blanks.find(line.front()) != blanks.npos && !field_.empty()) {
        field_ += '\n';
        field_ += line;
        return header_status::need_more;
    }
    if (first && is_mbox_line(line)) return header_status::need_more;
    start_field(line);
    if (is_field(line)) return header_status::need_more;
    add(found_, finding::header_without_colon);
    if (is_mbox_line(line))
        return std::exchange(may_begin_at_mbox_, false) ? header_status::odd_line : header_status::need_more;
    return std::exchange(may_begin_body_, false) ? header_status::odd_line : header_status::need_more;
}

void header_section::start_field(std::string_view line) {
    take_field();
    field_ = line;
}

void header_section::take_field() {
    add_fields(field_, fields_);
    field_.clear();
}

std::vector<field> header_section::fields_so_far() const {
    auto fields = fields_;
    const std::string_view line = line_done_ ? std::string_view() : line_;
    const bool folded = !line.empty() && blanks.find(line.front()) != blanks.npos && !field_.empty();
    add_fields(folded ? field_ + '\n' + line_ : field_, fields);
    if (!folded) add_fields(line, fields);
    return fields;
}

void header_section::finish() {
    if (!line_done_ && !line_.empty()) {
        add(found_, finding::unfinished_header);
        end_of_line();
    }
    take_field();
}

} // namespace postern::protocol::mime

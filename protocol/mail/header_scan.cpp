// Fields are recognised by name at the start of a line, any case, blanks before the colon tolerated. A field
// is looked at when the line behind it shows that it goes on no further.
#include "protocol/mail/header_scan.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

namespace postern::protocol {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_blank(char octet) { return octet == ' ' || octet == '\t'; }

// RFC 5322 §2.2: a name of printable characters without blank, then the colon. §4.5.8 allows blanks between.
bool is_field(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || is_blank(line.front())) return false;
    const auto name = trim(line.substr(0, colon));
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// Lines that mailbox files of old have left in headers.
bool is_mbox_line(std::string_view line) { return line.starts_with("From ") || line.starts_with(">From "); }

// Its name, without the blanks that may stand before the colon; "" = there is no colon.
std::string_view name_of(std::string_view field) {
    const auto colon = field.find(':');
    return colon == std::string_view::npos ? std::string_view() : trim(field.substr(0, colon));
}

std::size_t most_of(std::string_view field) {
    const auto name = name_of(field);
    const bool author = equals_ignoring_case(name, "From") || equals_ignoring_case(name, "Sender") ||
                        equals_ignoring_case(name, "Resent-From") ||
                        equals_ignoring_case(name, "Resent-Sender");
    return author ? header_scan::author_field_max : header_scan::field_max;
}

} // namespace

void header_scan::feed(std::string_view octets) {
    while (!finished_ && !octets.empty()) {
        const auto end = octets.find('\n');
        const auto part = octets.substr(0, end == std::string_view::npos ? octets.size() : end);
        line_.append(part.substr(0, field_max - std::min(field_max, line_.size())));
        look_at_octets(part);
        if (end != std::string_view::npos) line_bare_ = line_bare_ || !std::exchange(after_cr_, false);
        const auto used = part.size() + (end == std::string_view::npos ? 0 : 1);
        line_octets_ += used;
        octets.remove_prefix(used);
        if (end != std::string_view::npos) end_of_line();
    }
}

// Of a line, without its LF.
void header_scan::look_at_octets(std::string_view part) {
    for (const char c : part) {
        line_bare_ = line_bare_ || after_cr_;
        line_nul_ = line_nul_ || c == '\0';
        after_cr_ = c == '\r';
    }
}

bool header_scan::line_is_folded() const {
    return !field_.empty() && !line_.empty() && is_blank(line_.front());
}

bool header_scan::line_is_header() const {
    return line_is_folded() || (!line_.empty() && (is_field(line_) || is_mbox_line(line_)));
}

std::uint64_t header_scan::size() const {
    // A line too long to be kept whole is what its beginning is.
    const bool unended_header = line_octets_ > field_max && line_is_header();
    return size_ + (unended_header ? line_octets_ : 0);
}

void header_scan::end_of_line() {
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    const auto octets = std::exchange(line_octets_, 0);
    const bool bare = std::exchange(line_bare_, false), nul = std::exchange(line_nul_, false);
    if (line_.empty() || line_is_header()) { // else it is the body's
        bare_line_end_ = bare_line_end_ || bare;
        nul_ = nul_ || nul;
    }
    const bool cut = octets > field_max;
    if (line_is_folded()) {
        const auto room = most_of(field_) - std::min(most_of(field_), field_.size());
        field_cut_ = field_cut_ || cut || line_.size() > room;
        field_.append(line_, 0, room);
        size_ += octets;
    } else if (line_is_header()) {
        take_field();
        mbox_line_ = mbox_line_ || !is_field(line_);
        field_ = line_;
        field_cut_ = cut;
        size_ += octets;
    } else {
        if (line_.empty()) size_ += octets;
        ended_by_other_line_ = !line_.empty();
        take_field();
        finished_ = true;
        std::string().swap(field_);
    }
    line_.clear();
}

void header_scan::end() {
    if (finished_) return;
    if (!line_.empty()) end_of_line();
    take_field();
    finished_ = true;
}

void header_scan::take_field() {
    const std::string_view field = field_;
    const auto colon = field.find(':');
    if (colon != std::string_view::npos) {
        const auto name = name_of(field);
        const auto value = trim(field.substr(colon + 1));
        if (equals_ignoring_case(name, "Received"))
            ++received_;
        else if (equals_ignoring_case(name, "Delivered-To") && delivered_to_.size() < delivered_to_max)
            delivered_to_.emplace_back(value);
        else if (equals_ignoring_case(name, "Date"))
            has_date_ = true;
        else if (equals_ignoring_case(name, "Message-ID"))
            take_message_id(value);
        else if (equals_ignoring_case(name, "From"))
            keep_author(from_);
        else if (equals_ignoring_case(name, "Sender"))
            keep_author(sender_);
        else if (equals_ignoring_case(name, "Resent-From") || equals_ignoring_case(name, "Resent-Sender"))
            keep_author(resent_);
    }
    field_.clear();
}

void header_scan::take_message_id(std::string_view value) {
    has_message_id_ = true;
    if (message_id_.empty()) message_id_ = value;
}

void header_scan::keep_author(std::vector<kept_field>& in) {
    if (in.size() <= author_fields_max) in.push_back({field_, field_cut_});
}

} // namespace postern::protocol

// Fields are recognised by name at the start of a line, any case, blanks before the colon tolerated; a value
// that goes on in folded lines is read to its first line's end, which is where Delivered-To and Message-ID
// stand.
#include "protocol/mail/header_scan.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

void header_scan::feed(std::string_view octets) {
    while (!finished_ && !octets.empty()) {
        const auto end = octets.find('\n');
        const auto part = octets.substr(0, end == std::string_view::npos ? octets.size() : end);
        const auto room = line_max - std::min(line_max, line_.size());
        line_.append(part.substr(0, room));
        const auto used = part.size() + (end == std::string_view::npos ? 0 : 1);
        size_ += used;
        octets.remove_prefix(used);
        if (end != std::string_view::npos) end_of_line();
    }
}

void header_scan::end_of_line() {
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    if (line_.empty()) {
        finished_ = true;
        line_.shrink_to_fit();
        return;
    }
    const auto colon = line_.find(':');
    if (colon != std::string::npos && line_.front() != ' ' && line_.front() != '\t') {
        const auto name = trim(std::string_view(line_).substr(0, colon));
        const auto value = trim(std::string_view(line_).substr(colon + 1));
        if (equals_ignoring_case(name, "Received"))
            ++received_;
        else if (equals_ignoring_case(name, "Delivered-To") && delivered_to_.size() < delivered_to_max)
            delivered_to_.emplace_back(value);
        else if (message_id_.empty() && equals_ignoring_case(name, "Message-ID"))
            message_id_ = value;
    }
    line_.clear();
}

} // namespace postern::protocol

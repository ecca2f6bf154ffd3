#include "bench/load/replies.hpp"

#include <algorithm>
#include <cctype>

namespace postern::bench {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "ddd", then the end, a blank or a hyphen.
bool is_reply_line(std::string_view line) {
    return line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2]) &&
           (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

} // namespace

void reply_reader::feed(std::string_view octets) {
    if (at_ == buffer_.size()) {
        buffer_.clear();
    } else {
        buffer_.erase(0, at_);
    }
    at_ = 0;
    buffer_.append(octets);
}

void reply_reader::clear() {
    buffer_.clear();
    at_ = 0;
}

std::optional<reply> reply_reader::malformed() {
    const std::string_view rest = std::string_view(buffer_).substr(at_, 200);
    at_ = buffer_.size();
    return reply{0, rest};
}

std::optional<reply> reply_reader::next() {
    const std::string_view all = buffer_;
    std::size_t line_start = at_;
    for (;;) {
        const std::size_t end = all.find("\r\n", line_start);
        if (end == std::string_view::npos) {
            if (all.size() - at_ > reply_max) return malformed();
            return std::nullopt;
        }
        const std::string_view line = all.substr(line_start, end - line_start);
        if (!is_reply_line(line)) return malformed();
        if (line.size() == 3 || line[3] == ' ') {
            const auto digit = [&](std::size_t i) { return static_cast<unsigned>(line[i] - '0'); };
            const reply found{digit(0) * 100 + digit(1) * 10 + digit(2), all.substr(at_, end - at_)};
            at_ = end + 2;
            return found;
        }
        line_start = end + 2;
    }
}

std::string_view queue_id_of(std::string_view reply_text) {
    constexpr std::string_view before = "queued as ";
    const std::size_t found = reply_text.find(before);
    if (found == std::string_view::npos) return {};
    const std::string_view rest = reply_text.substr(found + before.size());
    const auto* const end = std::find_if(
        rest.begin(), rest.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
    return rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
}

} // namespace postern::bench

// Finds CRLF with memchr; notices a bare CR or LF at the octet that proves it; never holds more than
// max_length.
#include "protocol/smtp/line_reader.hpp"

#include <algorithm>

namespace postern::protocol {

void line_reader::reset() {
    partial_.clear();
    seen_ = 0;
    after_cr_ = false;
    emitted_ = false;
}

line_reader::outcome line_reader::feed(std::string_view input) {
    if (emitted_) reset();
    if (input.empty()) return {};
    if (after_cr_) return after_cr(input.front());

    const std::size_t ceiling = max_length_ + endless_slack; // a longer line is endless
    const std::string_view window = input.substr(0, ceiling + 1 - std::min(seen_, ceiling));
    const std::size_t lf = std::min(window.find('\n'), window.size());
    const std::size_t cr = std::min(window.substr(0, lf).find('\r'), window.size());
    if (cr + 1 < lf) return finish(line_status::bare_line_end, window.substr(0, cr), cr + 2);
    if (lf < window.size()) {
        if (cr == window.size()) return finish(line_status::bare_line_end, window.substr(0, lf), lf + 1);
        return finish(line_status::complete, window.substr(0, cr), lf + 1);
    }
    if (seen_ + window.size() > ceiling)
        return finish(line_status::endless, window.substr(0, cr), window.size());
    return wait_for_more(window);
}

// A CR ended the input before: this octet says what it was.
line_reader::outcome line_reader::after_cr(char next) {
    return finish(next == '\n' ? line_status::complete : line_status::bare_line_end, {}, 1);
}

line_reader::outcome line_reader::wait_for_more(std::string_view input) {
    after_cr_ = input.back() == '\r';
    keep(input.substr(0, input.size() - (after_cr_ ? 1 : 0)));
    seen_ += input.size();
    return {line_status::need_more, input.size(), {}};
}

line_reader::outcome line_reader::finish(line_status status, std::string_view rest_of_line,
                                         std::size_t consumed) {
    const std::size_t length = seen_ + consumed;
    if (status == line_status::complete && length > max_length_) status = line_status::too_long;
    if (length > max_length_ + endless_slack && status == line_status::too_long)
        status = line_status::endless;
    std::string_view line = rest_of_line;
    if (!partial_.empty()) {
        keep(rest_of_line);
        line = partial_;
    }
    seen_ = 0;
    after_cr_ = false;
    emitted_ = true;
    return {status, consumed, line.substr(0, max_length_)};
}

void line_reader::keep(std::string_view octets) {
    partial_.append(octets.substr(0, max_length_ - std::min(partial_.size(), max_length_)));
}

} // namespace postern::protocol

// A reply is lines of one code, "-" behind it on all but the last.
#include "protocol/smtp/reply_reader.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

namespace postern::protocol {
namespace {

// RFC 3463 §2 at the front of a line's text; {0,0,0} when there is none, or one that contradicts the code.
enhanced_code read_enhanced(std::string_view text, std::uint16_t code) {
    enhanced_code made;
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const auto first = word.find('.');
    const auto second = first == std::string_view::npos ? first : word.find('.', first + 1);
    if (first != 1 || second == std::string_view::npos) return made;
    const auto subject = word.substr(2, second - 2);
    const auto detail = word.substr(second + 1);
    if (subject.size() > 3 || detail.size() > 3) return made;
    const auto a = parse_number(subject);
    const auto b = parse_number(detail);
    if (!a || !b || word[0] != static_cast<char>('0' + code / 100)) return made;
    return {static_cast<std::uint8_t>(code / 100), static_cast<std::uint16_t>(*a),
            static_cast<std::uint16_t>(*b)};
}

} // namespace

std::string peer_reply::text() const {
    std::string all = std::to_string(code);
    for (const auto& line : lines) {
        if (all.size() >= text_max) break;
        all += ' ';
        all += line;
    }
    return printable(all, text_max);
}

// One line into the reply; false when it can't be of one.
bool reply_reader::take(std::string_view line, bool& last) {
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return false;
    const auto code =
        static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
    if (code < 200 || code > 599) return false;
    if (!reply_.lines.empty() && code != reply_.code) return false;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return false;
    if (line.find('\0') != std::string_view::npos) return false;
    last = line.size() == 3 || line[3] == ' ';
    const auto text = line.substr(std::min<std::size_t>(line.size(), 4));
    reply_.code = code;
    reply_.enhanced = read_enhanced(text, code);
    reply_.lines.push_back(printable(text, line_octets_max));
    return last || reply_.lines.size() < lines_max;
}

reply_reader::outcome reply_reader::feed(std::string_view input) {
    outcome made;
    while (made.consumed < input.size()) {
        const auto got = lines_.feed(input.substr(made.consumed));
        made.consumed += got.consumed;
        if (got.status == line_status::need_more) return made;
        bool last = false;
        if (got.status != line_status::complete || !take(got.line, last)) {
            made.what = status::malformed;
            return made;
        }
        if (!last) continue;
        made.what = status::complete;
        made.reply = std::exchange(reply_, {});
        return made;
    }
    return made;
}

} // namespace postern::protocol

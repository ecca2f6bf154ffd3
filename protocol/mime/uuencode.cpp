// Outside a file a line is dropped at the first octet that can't be of a line that matters. Within one, lines
// that are no uuencode are decoded too: nothing is refused, the octets are for a scanner.
#include "protocol/mime/uuencode.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol::mime {
namespace {

constexpr std::string_view begin_word = "begin", yenc_word = "=ybegin ", blanks = " \t";

// Whether the line may still become one that matters.
bool may_begin(std::string_view line) {
    const auto starts = [&](std::string_view word) {
        const auto known = std::min(line.size(), word.size());
        return equals_ignoring_case(line.substr(0, known), word.substr(0, known));
    };
    return starts(begin_word) || starts(yenc_word);
}

std::string_view after_blanks(std::string_view text) {
    return text.substr(std::min(text.size(), text.find_first_not_of(blanks)));
}

// The name behind "begin 644 "; "begin-base64 644 name" has one too. Empty when this is no such line.
std::string_view begin_name(std::string_view line) {
    auto rest = line.substr(begin_word.size());
    if (equals_ignoring_case(rest.substr(0, 7), "-base64")) rest.remove_prefix(7);
    if (rest.empty() || blanks.find(rest.front()) == std::string_view::npos) return {};
    rest = after_blanks(rest);
    const auto mode = rest.substr(0, rest.find_first_of(blanks));
    const bool octal = !mode.empty() && std::all_of(mode.begin(), mode.end(), is_digit);
    return octal ? after_blanks(rest.substr(mode.size())) : std::string_view();
}

std::string decode_line(std::string_view line) {
    const auto value = [&](std::size_t at) {
        return at < line.size() ? (static_cast<unsigned char>(line[at]) - 32U) & 63U : 0U;
    };
    const std::size_t size = value(0);
    std::string out;
    for (std::size_t at = 1; out.size() < size && at < line.size(); at += 4) {
        const unsigned bits = value(at) << 18U | value(at + 1) << 12U | value(at + 2) << 6U | value(at + 3);
        for (unsigned shift = 24; shift > 0 && out.size() < size;) {
            shift -= 8;
            out += static_cast<char>(bits >> shift & 0xffU);
        }
    }
    return out;
}

} // namespace

void uuencode_scanner::feed(std::string_view text, uuencode_events& told) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        take(text.substr(0, end));
        if (end == std::string_view::npos) return;
        end_of_line(told);
        text.remove_prefix(end + 1);
    }
}

void uuencode_scanner::finish(uuencode_events& told) {
    if (!line_.empty()) end_of_line(told);
    if (in_file_) told.file_ends();
    in_file_ = false;
}

void uuencode_scanner::take(std::string_view part) {
    if (skipping_ || part.empty()) return;
    if (!in_file_ && line_.empty() && !may_begin(part.substr(0, yenc_word.size()))) {
        skipping_ = true;
        return;
    }
    line_ += part.substr(0, uuencode_line_max - line_.size());
    skipping_ = line_.size() == uuencode_line_max || (!in_file_ && !may_begin(line_));
}

void uuencode_scanner::end_of_line(uuencode_events& told) {
    std::string_view line = line_;
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (in_file_ && equals_ignoring_case(after_blanks(line).substr(0, 3), "end") && line.size() < 8) {
        in_file_ = false;
        told.file_ends();
    } else if (in_file_ && !line.empty()) {
        if (const auto octets = decode_line(line); !octets.empty()) told.file_octets(octets);
    } else if (!in_file_) {
        look_for_begin(line, told);
    }
    line_.clear();
    skipping_ = false;
}

void uuencode_scanner::look_for_begin(std::string_view line, uuencode_events& told) {
    if (line.size() >= yenc_word.size() &&
        equals_ignoring_case(line.substr(0, yenc_word.size()), yenc_word)) {
        const auto at = line.find("name=");
        told.yenc_begins(at == std::string_view::npos ? std::string_view() : line.substr(at + 5));
    } else if (line.size() > begin_word.size() && may_begin(line)) {
        if (const auto name = begin_name(line); !name.empty()) {
            in_file_ = true;
            told.file_begins(name);
        }
    }
}

} // namespace postern::protocol::mime

// Outside a file a line is dropped at the first octet that can't be of a line that matters. Within one, lines
// that are out of place are decoded too: nothing is refused, the octets are for a scanner.
#include "protocol/mime/uuencode.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <utility>

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

struct begin_line {
    text_encoding how = text_encoding::uuencode;
    std::string name;
};

// "begin 644 name", "begin-base64 644 name", and either with "-encoded", whose name is in base64 (GNU
// uuencode). An empty name when this is no such line.
begin_line read_begin(std::string_view line) {
    begin_line read;
    auto rest = line.substr(begin_word.size());
    const auto take = [&](std::string_view word) {
        const bool there = equals_ignoring_case(rest.substr(0, word.size()), word);
        if (there) rest.remove_prefix(word.size());
        return there;
    };
    if (take("-base64")) read.how = text_encoding::base64;
    const bool encoded_name = take("-encoded");
    if (rest.empty() || blanks.find(rest.front()) == std::string_view::npos) return {};
    rest = after_blanks(rest);
    const auto mode = rest.substr(0, rest.find_first_of(blanks));
    if (mode.empty() || !std::all_of(mode.begin(), mode.end(), is_digit)) return {};
    const auto name = after_blanks(rest.substr(mode.size()));
    read.name = encoded_name ? decode_base64(name) : std::string(name);
    return read;
}

std::string decode_uuencoded(std::string_view line) {
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
        const auto lf = text.find('\n');
        auto line = text.substr(0, lf);
        for (auto cr = line.find('\r'); cr != line.npos; cr = line.find('\r')) {
            take(line.substr(0, cr), told);
            end_of_line(told);
            line.remove_prefix(cr + 1);
        }
        take(line, told);
        if (lf == text.npos) return;
        end_of_line(told);
        text.remove_prefix(lf + 1);
    }
}

void uuencode_scanner::finish(uuencode_events& told) {
    if (!line_.empty()) end_of_line(told);
    if (in_file_) end(told);
}

void uuencode_scanner::take(std::string_view part, uuencode_events& told) {
    if (part.empty()) return;
    if (in_yenc()) return take_yenc(part, told);
    if (skipping_) return;
    if (!in_file_ && line_.empty() && !may_begin(part.substr(0, yenc_word.size()))) {
        skipping_ = true;
        return;
    }
    keep(part);
    skipping_ = line_.size() == uuencode_line_max || (!in_file_ && !may_begin(line_));
}

// Of the line, as much as there is room for.
void uuencode_scanner::keep(std::string_view part) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    for (const char c : part) {
        if (line_.size() == uuencode_line_max) return;
        const bool again = is_blank(c) && !line_.empty() && is_blank(line_.back());
        if (!again || !may_begin(line_)) line_ += c;
    }
}

// A line that begins with "=y" is kept: no octet is written so. The others are decoded as they come.
void uuencode_scanner::take_yenc(std::string_view part, uuencode_events& told) {
    constexpr std::string_view keyword = "=y";
    std::string decoded;
    if (!skipping_) {
        const auto start = part.substr(0, keyword.size() - std::min(line_.size(), keyword.size()));
        line_ += start;
        part.remove_prefix(start.size());
        if (line_ == keyword.substr(0, line_.size()) && part.empty()) return;
        if (line_.starts_with(keyword)) {
            keep(part);
            const bool full = line_.size() == uuencode_line_max;
            skipping_ = full && line_.starts_with(yenc_word);
            if (!full || skipping_) return;
            part = {};
        }
        skipping_ = true;
        yenc_.feed(std::exchange(line_, {}), decoded);
    }
    yenc_.feed(part, decoded);
    if (!decoded.empty()) told.file_octets(decoded);
}

void uuencode_scanner::end_of_line(uuencode_events& told) {
    std::string_view line = line_;
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (ends_file(line))
        end(told);
    else if (!line.empty() && !look_for_begin(line, told) && in_file_)
        decode_line(line, told);
    line_.clear();
    skipping_ = false;
}

bool uuencode_scanner::ends_file(std::string_view line) const {
    constexpr std::string_view uuencode_end = "end", base64_end = "====", yenc_end = "=yend";
    if (!in_file_) return false;
    switch (how_) {
    case text_encoding::uuencode:
        return line.size() < 8 && equals_ignoring_case(after_blanks(line).substr(0, 3), uuencode_end);
    case text_encoding::base64: return after_blanks(line).starts_with(base64_end);
    case text_encoding::yenc: return line.starts_with(yenc_end);
    }
    return false;
}

void uuencode_scanner::decode_line(std::string_view line, uuencode_events& told) {
    std::string decoded;
    switch (how_) {
    case text_encoding::uuencode: decoded = decode_uuencoded(line); break;
    case text_encoding::base64: base64_.feed(line, decoded); break;
    case text_encoding::yenc:
        if (!line.starts_with("=ypart")) yenc_.feed(line, decoded);
        break;
    }
    if (!decoded.empty()) told.file_octets(decoded);
}

// A file may begin within another one: no encoded line looks so.
bool uuencode_scanner::look_for_begin(std::string_view line, uuencode_events& told) {
    if (!may_begin(line)) return false;
    if (line.size() >= yenc_word.size() && line.front() == yenc_word.front()) {
        const auto at = line.find("name=");
        const bool cut = line.size() == uuencode_line_max; // it may have had a name: one that is overlong
        const auto none = cut ? line : std::string_view();
        begin(text_encoding::yenc, at == line.npos ? none : line.substr(at + 5), told);
        return true;
    }
    if (line.size() <= begin_word.size()) return false;
    const auto read = read_begin(line);
    if (read.name.empty()) return false;
    begin(read.how, read.name, told);
    return true;
}

void uuencode_scanner::begin(text_encoding how, std::string_view name, uuencode_events& told) {
    if (in_file_) end(told);
    in_file_ = true;
    how_ = how;
    base64_ = transfer_decoder(encoding::base64);
    yenc_ = {};
    told.file_begins(how, name);
}

void uuencode_scanner::end(uuencode_events& told) {
    std::string decoded;
    if (how_ == text_encoding::base64) base64_.finish(decoded);
    if (!decoded.empty()) told.file_octets(decoded);
    in_file_ = false;
    told.file_ends();
}

} // namespace postern::protocol::mime

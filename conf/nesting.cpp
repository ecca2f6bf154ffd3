#include "conf/nesting.hpp"

#include <algorithm>

namespace postern::conf {

namespace {

// The offset behind a comment or a string that begins at `at`; the end of the text when it never ends.
// A string in one line ends with the line at the latest: a broken one must not hide what comes after it.
std::size_t behind_comment(std::string_view toml, std::size_t at) {
    return std::min(toml.find('\n', at), toml.size());
}

std::size_t behind_string(std::string_view toml, std::size_t at) {
    const char quote = toml[at];
    const bool escapes = quote == '"';
    const std::string_view three = escapes ? "\"\"\"" : "'''";
    const bool many_lines = toml.substr(at).starts_with(three);
    for (at += many_lines ? 3 : 1; at < toml.size(); ++at) {
        if (toml[at] == '\\' && escapes)
            ++at;
        else if (!many_lines && toml[at] == '\n')
            return at;
        else if (!many_lines && toml[at] == quote)
            return at + 1;
        // One or two quotes more belong to the string.
        else if (many_lines && toml.substr(at).starts_with(three))
            return toml.find_first_not_of(quote, at);
    }
    return toml.size();
}

text_position position_of(std::string_view toml, std::size_t offset) {
    const auto before = toml.substr(0, offset);
    const auto line_start = before.rfind('\n') + 1; // npos + 1 = 0
    return {static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
            static_cast<std::uint32_t>(1 + offset - line_start)};
}

} // namespace

std::optional<text_position> too_many_key_parts(std::string_view toml) {
    std::size_t dots = 0; // since the last octet that can't be inside a key
    for (std::size_t at = 0; at < toml.size();) {
        switch (toml[at]) {
        case '#': at = behind_comment(toml, at); continue;
        case '"':
        case '\'': at = behind_string(toml, at); continue;
        case '.':
            if (++dots == key_parts_max) return position_of(toml, at);
            break;
        case '\n':
        case '=':
        case ',':
        case '[':
        case ']':
        case '{':
        case '}': dots = 0; break;
        default: break;
        }
        ++at;
    }
    return std::nullopt;
}

} // namespace postern::conf

// The one place that writes replies. Whatever the text holds, what leaves is well-formed lines of the right
// code.
#include "protocol/smtp/reply.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/compile.h>
#include <iterator>

namespace postern::protocol {
namespace {

constexpr std::size_t reply_line_max = 512; // RFC 5321 §4.5.3.1.5: with CRLF
constexpr std::size_t log_line_max = 1000;

void append_codes(std::string& out, const reply& what, char separator) {
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:03}{}"), what.code, separator);
    if (what.enhanced == enhanced_code{}) return;
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}.{}.{} "), what.enhanced.category,
                   what.enhanced.subject, what.enhanced.detail);
}

} // namespace

void append_reply(std::string& out, const reply& what) {
    std::string_view rest = what.text;
    for (bool last = false; !last;) {
        const std::size_t end = rest.find('\n');
        last = end == std::string_view::npos;
        const std::size_t start = out.size();
        append_codes(out, what, last ? ' ' : '-');
        out += printable(rest.substr(0, end), reply_line_max - 2 - (out.size() - start));
        out += "\r\n";
        if (!last) rest.remove_prefix(end + 1);
    }
}

void append_challenge(std::string& out, std::string_view base64) {
    fmt::format_to(std::back_inserter(out), "334 {}\r\n", base64);
}

std::string reply_line(const reply& what) {
    std::string line;
    append_codes(line, what, ' ');
    std::string text = what.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return line += printable(text, log_line_max);
}

} // namespace postern::protocol

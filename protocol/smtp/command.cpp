// Command lines and their arguments. Views into the line throughout; nothing is repaired, and what is
// tolerated (trailing blanks, blanks after "FROM:", more than one blank between parameters) is listed here
// and nowhere else.
#include "protocol/smtp/command.hpp"

#include <algorithm>
#include <array>

namespace postern::protocol {
namespace {

struct verb_row {
    std::string_view name;
    verb what;
};
constexpr auto verbs = std::to_array<verb_row>({
    {"HELO", verb::helo},
    {"EHLO", verb::ehlo},
    {"MAIL", verb::mail},
    {"RCPT", verb::rcpt},
    {"DATA", verb::data},
    {"BDAT", verb::bdat},
    {"RSET", verb::rset},
    {"NOOP", verb::noop},
    {"VRFY", verb::vrfy},
    {"HELP", verb::help},
    {"QUIT", verb::quit},
    {"STARTTLS", verb::starttls},
    {"AUTH", verb::auth},
    {"EXPN", verb::unimplemented},
    {"ETRN", verb::unimplemented},
    {"ATRN", verb::unimplemented},
    {"TURN", verb::unimplemented},
    {"SEND", verb::unimplemented},
    {"SOML", verb::unimplemented},
    {"SAML", verb::unimplemented},
    {"BURL", verb::unimplemented},
    {"XCLIENT", verb::unimplemented},
    {"XFORWARD", verb::unimplemented},
    {"PROXY", verb::unimplemented},
});

// None of them begins an SMTP command, so a browser that is made to talk to us gets no second line (ALPACA).
constexpr auto foreign_starts = std::to_array<std::string_view>({
    "GET ",
    "POST ",
    "PUT ",
    "HEAD ",
    "DELETE ",
    "OPTIONS ",
    "CONNECT ",
    "PATCH ",
    "TRACE ",
    "PRI ",
    "SSH-",
});

bool is_tls_hello(std::string_view octets) { return octets.starts_with("\x16\x03"); }

// A two-octet length with its top bit set, CLIENT-HELLO, and version 2 or 3.x (RFC 5246 Appendix E.2).
bool is_sslv2_hello(std::string_view octets) {
    if (octets.size() < 5 || static_cast<unsigned char>(octets[0]) < 0x80 || octets[2] != 1) return false;
    return octets[3] == 3 || (octets[3] == 0 && octets[4] == 2);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

verb find_verb(std::string_view name) {
    for (const verb_row& row : verbs) {
        if (equals_ignoring_case(row.name, name)) return row.what;
    }
    return verb::unknown;
}

bool is_keyword_octet(char c) {
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '-';
}

// RFC 5321 §4.1.2: ( ALPHA / DIGIT ) *( ALPHA / DIGIT / "-" )
bool is_keyword(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), is_keyword_octet);
}

// RFC 5321 §4.1.2 esmtp-value: printable ASCII without "=" and blank; RFC 6531 §3.3 adds UTF-8.
bool is_value(std::string_view text) {
    const bool octets_fit =
        std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' ' || c == '='; });
    return !text.empty() && octets_fit && is_valid_utf8(text);
}

bool is_repeated(const std::vector<parameter>& parameters, std::string_view keyword) {
    return std::any_of(parameters.begin(), parameters.end(), [&](const parameter& earlier) {
        return equals_ignoring_case(earlier.keyword, keyword);
    });
}

result<parameter, parse_error> parse_parameter(std::string_view word, std::size_t offset) {
    const std::size_t equals = word.find('=');
    const std::string_view keyword = word.substr(0, equals);
    if (!is_keyword(keyword)) return parse_error{parse_errc::syntax, offset};
    if (equals == std::string_view::npos) return parameter{keyword, std::nullopt};
    const std::string_view value = word.substr(equals + 1);
    if (!is_value(value)) return parse_error{parse_errc::syntax, offset + equals + 1};
    return parameter{keyword, value};
}

} // namespace

command split_command(std::string_view line) {
    const std::size_t space = line.find(' ');
    command split;
    split.name = line.substr(0, space);
    if (space != std::string_view::npos) split.argument = line.substr(space + 1);
    while (!split.argument.empty() && is_blank(split.argument.back())) split.argument.remove_suffix(1);
    if (looks_foreign(line)) {
        split.what = verb::foreign;
        return split;
    }
    const bool faulty = std::any_of(split.argument.begin(), split.argument.end(),
                                    [](char c) { return is_control(c) && c != '\t'; });
    if (!faulty && !has_control(split.name)) split.what = find_verb(split.name);
    return split;
}

bool looks_foreign(std::string_view first_octets) {
    if (is_tls_hello(first_octets) || is_sslv2_hello(first_octets)) return true;
    return std::any_of(foreign_starts.begin(), foreign_starts.end(), [&](std::string_view start) {
        return equals_ignoring_case(first_octets.substr(0, start.size()), start);
    });
}

result<std::vector<parameter>, parse_error> parse_parameters(std::string_view text) {
    std::vector<parameter> parameters;
    if (text.empty()) return parameters;
    if (text.front() != ' ') return parse_error{parse_errc::syntax, 0};
    for (std::size_t at = text.find_first_not_of(' '); at < text.size();
         at = text.find_first_not_of(' ', at)) {
        const std::string_view word = text.substr(at, text.find(' ', at) - at);
        const auto next = parse_parameter(word, at);
        if (next.has_error()) return next.error();
        if (parameters.size() == parameters_max) return parse_error{parse_errc::too_long, at};
        if (is_repeated(parameters, next->keyword)) return parse_error{parse_errc::duplicate, at};
        parameters.push_back(*next);
        at += word.size();
    }
    return parameters;
}

result<std::string_view, parse_error> after_keyword(std::string_view argument, std::string_view keyword) {
    if (!equals_ignoring_case(argument.substr(0, keyword.size()), keyword))
        return parse_error{parse_errc::syntax, 0};
    const std::string_view rest = argument.substr(keyword.size());
    if (!rest.starts_with(':')) return parse_error{parse_errc::syntax, keyword.size()};
    return rest.substr(std::min(rest.find_first_not_of(' ', 1), rest.size()));
}

result<bdat_argument, parse_error> parse_bdat(std::string_view argument) {
    const std::size_t space = std::min(argument.find(' '), argument.size());
    const auto size = parse_number(argument.substr(0, space));
    if (!size) return parse_error{argument.empty() ? parse_errc::empty : parse_errc::syntax, 0};
    if (space == argument.size()) return bdat_argument{*size, false};
    if (!equals_ignoring_case(argument.substr(space + 1), "LAST"))
        return parse_error{parse_errc::trailing, space + 1};
    return bdat_argument{*size, true};
}

} // namespace postern::protocol

// One command line, taken apart: the verb and its argument. Says nothing about whether the verb is allowed
// now.
#pragma once

#include "protocol/smtp/grammar.hpp"

#include <vector>

namespace postern::protocol {

enum class verb : std::uint8_t {
    helo,
    ehlo,
    mail,
    rcpt,
    data,
    bdat,
    rset,
    noop,
    vrfy,
    help,
    quit,
    starttls,
    auth,
    unimplemented, // a verb SMTP knows and we do not serve: EXPN, ETRN, ATRN, TURN, SEND, SOML, SAML, BURL,
                   // XCLIENT, XFORWARD, PROXY
    foreign,       // another protocol talking: HTTP methods, "SSH-", a TLS ClientHello
    unknown,
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::unknown) + 1;

struct command {
    verb what = verb::unknown;
    std::string_view name;     // as written
    std::string_view argument; // after the first space, trailing spaces removed (RFC 5321 §4.1.1: tolerated)
};

// The line without CRLF. NUL or another control (except TAB in an argument) makes the verb unknown.
command split_command(std::string_view line);
// Is this the start of a TLS record, "SSH-" or the like? Judged on an incomplete line, so that a binary
// talker is cut at once.
bool looks_foreign(std::string_view first_octets);

struct parameter {
    std::string_view keyword;              // as written
    std::optional<std::string_view> value; // after "="
};
// esmtp-params of MAIL and RCPT (RFC 5321 §4.1.2): " K[=V]" repeated; must start with a space where not
// empty. More than parameters_max, a keyword twice (any case), an empty value: an error.
inline constexpr std::size_t parameters_max = 16;
result<std::vector<parameter>, parse_error> parse_parameters(std::string_view text);

// MAIL and RCPT arguments: "FROM:" or "TO:" (any case), optional spaces after the colon are accepted (a
// documented leniency that Postfix shares), then the path; `rest` is what follows the path.
result<std::string_view, parse_error> after_keyword(std::string_view argument, std::string_view keyword);

// BDAT chunk-size [LAST] (RFC 3030 §2).
struct bdat_argument {
    std::uint64_t size = 0;
    bool last = false;
};
result<bdat_argument, parse_error> parse_bdat(std::string_view argument);

} // namespace postern::protocol

// RFC 5321 §4.1.2 and its neighbours as predicates and small parsers. No allocation where a view will do;
// every function is linear in its input and takes any octets.
#pragma once

#include "protocol/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace postern::protocol {

enum class parse_errc {
    empty,
    syntax,         // not of the form at all
    trailing,       // something after a well-formed start
    too_long,       // RFC 5321 §4.5.3.1
    bad_domain,     // label rules, or an invalid A-label/U-label (IDNA 2008)
    bad_literal,    // [..] that is no address
    needs_smtputf8, // non-ASCII without the SMTPUTF8 parameter (RFC 6531 §3.3)
    bad_utf8,
    control,   // a control character or NUL
    no_domain, // a local part alone where a domain is needed
    duplicate, // the same parameter twice
    unknown_parameter,
    bad_parameter, // known keyword, wrong value
};

struct parse_error {
    parse_errc what = parse_errc::syntax;
    std::size_t offset = 0; // octet of the input where it went wrong
};
// Lets result<T, parse_error>::value() throw; our code checks has_value() instead.
[[noreturn]] void throw_exception_from_error(const parse_error& error, const boost::source_location& where);

// ASCII only, independent of the locale.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_atext(char c); // RFC 5322 §3.2.3, ASCII
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

bool is_valid_utf8(std::string_view text); // RFC 3629: no overlongs, no surrogates, nothing above U+10FFFF
bool is_ascii(std::string_view text);

// Digits only, no sign, no blank; nullopt on overflow of 64 bits.
std::optional<std::uint64_t> parse_number(std::string_view text);

// RFC 5321 §4.1.2 Domain: letters, digits, hyphens, labels of 1..63, 255 in all. No trailing dot.
bool is_ldh_domain(std::string_view text);
// A domain in its one canonical form: lower-case A-labels. Accepts U-labels when `unicode` is allow; checks
// A-labels (IDNA 2008 by libidn2: NFC input, non-transitional). "example.com." and empty labels are errors;
// so are a last label of digits alone ("192.0.2.1", which look-ups take for an address) and non-ASCII text
// that only maps to ASCII.
enum class unicode { allow, refuse };
result<std::string, parse_error> canonical_domain(std::string_view text, unicode non_ascii);
// RFC 5321 §4.1.3: "[192.0.2.1]", "[IPv6:...]". Returns the literal with the address in canonical text.
result<std::string, parse_error> canonical_literal(std::string_view text);

// EHLO/HELO argument: what we take (lenient: any printable non-space token ≤ 255 octets, since a name is
// never the only reason to refuse, RFC 5321 §4.1.4) and whether it is a proper Domain or address literal.
struct helo_name {
    std::string name;
    bool well_formed = false;
};
result<helo_name, parse_error> parse_helo(std::string_view argument);

// RFC 3461 §4 xtext. Decoded octets that are controls are an error.
result<std::string, parse_error> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);

// Peer bytes made fit for a reply, a header or a log line: controls, DEL, broken UTF-8, line separators
// (U+2028/9) and bidi controls become "?"; at most max_length octets, cut at a character boundary with "..."
// when longer.
std::string printable(std::string_view text, std::size_t max_length);
bool is_printable(std::string_view text); // printable() would leave it as it is

} // namespace postern::protocol

// Who a message says it is from: every author in its From field, and its Sender. Strict: mail programs guess
// what a malformed field means, each in its own way, so that whoever asks "may this account write as that
// author?" must not guess at all. What is left over, what could be read twice and what names nobody is a
// fault (RFC 5322 §3.4 and §3.6.2, groups by RFC 6854; obsolete syntax only where all programs agree: dots in
// a display name). Pure; linear in its input; takes any octets.
#pragma once

#include "protocol/mail/header_scan.hpp"
#include "protocol/smtp/address.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::protocol {

inline constexpr std::size_t authors_max = 50; // of one field

enum class author_fault : std::uint8_t {
    no_field,     // no From
    two_fields,   // more than one From, or more than one Sender
    bad_name,     // "From :": blanks before the colon (RFC 5322 §4.5.8 is obsolete)
    too_long,     // more octets than are kept, or more authors than authors_max
    no_author,    // an empty field, list, group or element of a list
    no_address,   // a name without an address
    bad_address,  // not addr-spec: a route, blanks or comments in it, an encoded word, no domain, ...
    leftover,     // something follows where the address ended
    unclosed,     // a quoted string, a comment, a group or an angle bracket
    bad_octet,    // not UTF-8, or a control or format character; plain or in an encoded word
    many_senders, // a Sender with a list or a group (RFC 5322 §3.6.2)
    broken_header // the header ends in a line that is no field
};
// For people: "it has no From field".
std::string_view fault_text(author_fault fault);
// Lets result<T, author_fault>::value() throw; our code checks has_value() instead.
[[noreturn]] void throw_exception_from_error(const author_fault& fault, const boost::source_location& where);

// The value of a From field, without its name: at least one author, in the order written. A field of a whole
// header may be folded: CRLF with a blank behind it counts as a blank.
result<std::vector<address>, author_fault> parse_authors(std::string_view value);

// The authors of a message whose header was scanned to its end, and behind them its Sender when it has one
// that is no author.
result<std::vector<address>, author_fault> authors_of(const header_scan& header);

} // namespace postern::protocol

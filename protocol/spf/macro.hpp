// Macro-strings of SPF (RFC 7208 §7): checked when a record is read, expanded when a term is evaluated.
// Peer text on both sides: no step costs more than the text is long times one value, and what is made is
// never longer than a name.
#pragma once

#include "protocol/net/ip_address.hpp"
#include "protocol/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::protocol::spf {

inline constexpr std::size_t expanded_name_max = 253; // octets, RFC 7208 §7.3

// What is wrong with a record or a part of one.
enum class syntax_errc {
    record_too_long,
    bad_octet,         // not visible ASCII (§7.1 macro-literal): a NUL, a tab, UTF-8
    unknown_mechanism, // "foo", "foo:bar", "redirect:x"
    unwanted_argument, // "all:x", "ptr/24"
    missing_argument,  // "include", "a:", "ip4"
    bad_modifier,      // "-a=b", "a%=b": not name "=" (§4.6.1)
    repeated_modifier, // a second "redirect=" or "exp=" (§6)
    bad_macro,         // "%x", "%{q}", "%{d" (§7.1)
    zero_parts,        // "%{d0}" (§7.3)
    explanation_macro, // %{c}, %{r} or %{t} in a name (§7.2)
    bad_domain_end,    // neither a top label nor a macro at the end (§7.1 domain-end)
    bad_network,       // no IPv4 or IPv6 address
    bad_prefix_length, // "/33", "/024", "//129", "/"
};
struct syntax_error {
    syntax_errc what = syntax_errc::bad_octet;
    std::size_t offset = 0; // octet of the text where it went wrong
};
// In words, as the end of "the SPF record has ...".
std::string_view describe(syntax_errc what);

// macro-string; %{c}, %{r} and %{t} count as well formed.
std::optional<syntax_error> check_macro_string(std::string_view text);
// domain-spec of a term: a macro-string without %{c}, %{r}, %{t}, that ends as a name does.
std::optional<syntax_error> check_domain_spec(std::string_view text);

// Is there a %{letter} in well-formed text? `letter` is lower case.
bool uses_macro(std::string_view text, char letter);

// What the letters stand for. Views: they outlive the call of expand() only.
struct macro_values {
    std::string_view local;         // %{l}
    std::string_view sender_domain; // %{o}
    std::string_view domain;        // %{d}: the domain whose record is read
    std::string_view helo;          // %{h}
    std::string_view validated;     // %{p}; "unknown" where there is none
    ip_address client;              // %{i}, %{v}
};

// The name that a well-formed domain-spec stands for (§7.3): without a final dot, cut from the left at label
// borders to expanded_name_max octets. May be no valid name at all: a local part can hold any octet.
std::string expand(std::string_view domain_spec, const macro_values& values);

} // namespace postern::protocol::spf

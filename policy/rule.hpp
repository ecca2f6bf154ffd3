// What an allow or deny rule is: its text read, in one spelling, and what it will match, in words. Pure.
//
//   user@example.com, *@example.com, @example.com, @*.example.com   the envelope sender
//   192.0.2.1, 192.0.*.*, 192.0.2.0/24, 2001:db8::/32               the client's address
//   example.com, *.example.com                                      the client's host name
//
// `*` is any run of characters, `?` one character. A text with an `@` is about the sender and nothing else.
// Without one it is an address when it holds a `/` or a `:`, or a digit and no letter; else a host name. A
// sender's local part and domain are matched each for itself, without regard to case; a `*` never crosses the
// `@`. "example.com" is that name alone, "*.example.com" each name below it and not itself.
#pragma once

#include "policy/glob.hpp"
#include "protocol/net/cidr.hpp"
#include "protocol/result.hpp"

#include <string>
#include <string_view>

namespace postern::policy {

enum class rule_action { allow, deny };

inline constexpr std::size_t rule_pattern_max = 255; // octets

enum class rule_subject {
    sender,
    client,    // the client's address
    host_name, // the client's
};

// The shape decides how it is found among many (rules.hpp).
enum class rule_shape {
    exact,   // sender, host name
    domain,  // sender: any local part at one domain
    below,   // sender: any local part at any name below a domain; host name: any name below one
    network, // client
    general, // whatever else: its pattern is matched
};

struct rule_pattern {
    std::string text; // its one spelling
    rule_subject subject = rule_subject::sender;
    rule_shape shape = rule_shape::general;
    // Sender: "local@domain", "domain" or what stands below. Host name: the name or what stands below.
    // General: the labels that each match must end with, "" when there are none.
    std::string key;
    std::optional<protocol::cidr> network; // shape network
    std::optional<glob> local, rest;       // general: a sender's local part; its domain, address or name
};

enum class rule_errc {
    empty,
    too_long,      // over rule_pattern_max
    control,       // a control character, a blank or broken UTF-8
    no_domain,     // nothing after the @
    bad_sender,    // no address, and no wildcard either
    bad_domain,    // a label that is none, or a wildcard inside a name that isn't ASCII
    bad_network,   // a / and no network before and after it
    host_bits,     // 192.0.2.1/24: set bits behind the prefix
    v6_wildcard,   // an IPv6 address with wildcards
    bad_address,   // digits and dots that are no IPv4 address
    long_stretch,  // over glob_stretch_max octets between two *
    not_host_name, // characters that no host name has
};

result<rule_pattern, rule_errc> parse_rule(std::string_view text);
[[noreturn]] void throw_exception_from_error(rule_errc error, const boost::source_location& where);

// One sentence each, without a full stop, for the person who wrote the rule.
std::string explain_error(rule_errc error, std::string_view text); // what is wrong, and what would be right
std::string explain_match(const rule_pattern& rule);               // what it will match
// What its author may not have meant, "" for none: "example.com has no @: this is a host name, not a sender".
std::string rule_warning(const rule_pattern& rule, rule_action action);

// A setting's sender pattern (greylist.exempt_senders): as a rule's, and a text without an @ is the domain:
// "*.cz" is "*@*.cz".
result<rule_pattern, rule_errc> parse_sender_pattern(std::string_view text);

} // namespace postern::policy

// An SPF record (RFC 7208 §4.5, §4.6.1, §12): which TXT string it is, and its terms, read to the letter. An
// error anywhere in it is an error of the whole (§4.6). Knows no names and asks nothing.
#pragma once

#include "protocol/spf/macro.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace postern::protocol::spf {

// Longer ones are syntax errors. §3.4 advises 450 octets; what is as long as this is there to cost us time.
inline constexpr std::size_t record_octets_max = 4096;

enum class qualifier : std::uint8_t { pass, fail, softfail, neutral };              // + - ~ ?
enum class mechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists }; // §5
enum class selected : std::uint8_t { none, one, several };                          // §4.5

// Octets of the record's text.
struct slice {
    std::uint16_t from = 0;
    std::uint16_t length = 0;
    bool empty() const { return length == 0; }
};

struct directive {
    qualifier on_match = qualifier::pass;
    mechanism kind = mechanism::all;
    slice text;        // without the qualifier: "a:example.com/24"
    slice domain_spec; // empty: the domain whose record this is
    std::uint8_t prefix4 = 32;
    std::uint8_t prefix6 = 128;
    std::array<std::uint8_t, 16> network{}; // of ip4 the first 4, of ip6 all
};

struct record {
    std::string text;
    std::vector<directive> directives; // in the order of the record
    slice redirect;                    // domain-spec; empty: there is none
    slice explanation;                 // of exp=, checked and never asked for

    // Lives as long as the record.
    std::string_view operator[](slice part) const {
        return std::string_view(text).substr(part.from, part.length);
    }
};

// Every text is one TXT record, its strings joined without anything between them (§3.3).
struct selection {
    selected found = selected::none;
    std::string_view text; // of the only one; lives as long as `texts`
};
selection select_record(std::span<const std::string> texts);

// `text` is what select_record() chose.
[[nodiscard]] result<record, syntax_error> parse_record(std::string_view text);

// Are the first `prefix4` or `prefix6` bits of two addresses of one family the same? No family is like the
// other.
bool same_network(const ip_address& a, const ip_address& b, std::uint8_t prefix4, std::uint8_t prefix6);
// Does an ip4 or ip6 directive name the client? No ip6 network holds an IPv4 client, mapped ones neither
// (§5).
bool holds(const directive& network, const ip_address& client);

} // namespace postern::protocol::spf

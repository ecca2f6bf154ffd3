// Names and words in other charsets, as far as those can hide ASCII.
#pragma once

#include <string>
#include <string_view>

namespace postern::protocol::mime {

// `octets` as UTF-8. Knows UTF-8, ISO-8859-1, UTF-16, UTF-7 (RFC 2152), and what is ASCII in ISO-2022-JP and
// its kin, HZ (RFC 1843) and EBCDIC (other characters become U+FFFD); octets of other charsets stay as they
// are. Linear; never longer than three times the input.
std::string to_utf8(std::string_view charset, std::string_view octets);

} // namespace postern::protocol::mime

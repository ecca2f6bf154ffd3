// Text of a message as UTF-8, without iconv: the sandbox lets nothing open the files that it needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::policy::content {

// Valid UTF-8 whatever comes: text that isn't of its charset, or whose charset is unknown or missing, is read
// as what it looks like (UTF-8, UTF-16, else windows-1252). Knows UTF-8, UTF-16, ISO-8859-1, -2, -5 and -15,
// windows-1250 to 1254, KOI8-R and -U. At most three times as long; linear.
std::string utf8_of(std::string_view charset, std::string_view octets);

void append_utf8(std::uint32_t point, std::string& to); // nothing for what is no character

} // namespace postern::policy::content

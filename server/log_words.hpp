// Words of a log line: what a peer sent is made harmless as it is added. Inside the log only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::server {

inline constexpr std::size_t log_reply_max = 1024;  // octets shown of a reply or of free text
inline constexpr std::size_t log_address_max = 340; // local part, '@', domain, some quoting
inline constexpr std::size_t log_name_max = 255;    // a helo name, a stage, a message id

// Controls are gone, and it has at most `max_length` octets.
void add_printable(std::string& out, std::string_view text, std::size_t max_length);
// Inside <...>: nothing that could end the brackets or look like the next field.
void add_bracketed(std::string& out, std::string_view text, std::size_t max_length);
// A token: a stage, a session id, a protocol name. No blank and nothing that fields are made of.
void add_token(std::string& out, std::string_view text);
// Free text in which no "key=" is left that a script could take for a field.
void add_reply(std::string& out, std::string_view text);

} // namespace postern::server

// The lines of Dovecot's auth client protocol (version 1): fields between tabs. Pure; any octets.
#pragma once

#include "protocol/sasl/secret.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::server {

inline constexpr std::size_t dovecot_line_max = 8192; // octets, as Dovecot's own AUTH_CLIENT_MAX_LINE_LENGTH

struct dovecot_line {
    std::string word;                // "VERSION", "OK"
    std::vector<std::string> fields; // unescaped

    bool has(std::string_view name) const;                         // "temp"
    std::optional<std::string> value(std::string_view name) const; // of "user=..."
};
dovecot_line read_dovecot_line(std::string_view line); // without its LF

// What is sent: "\001" and a letter for NUL, tab, CR, LF and "\001" itself.
std::string escape_dovecot(std::string_view text);

// AUTH PLAIN, with its LF. `client`: "" = not told. Without Dovecot's own penalty for failures, which would
// make everybody wait for one who guesses: guessing is slowed before it comes here.
protocol::sasl::secret dovecot_request(unsigned id, std::string_view login, std::string_view password,
                                       std::string_view client);

} // namespace postern::server

// The SASL mechanisms that we know, in the order in which they are announced: strongest first. No other is
// ever offered or begun, whatever the library behind SCRAM knows.
#pragma once

#include "protocol/result.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::protocol::sasl {

enum class mechanism { scram_sha_256_plus, scram_sha_256, plain, login };

struct mechanism_row {
    mechanism what;
    std::string_view name;
    bool needs_keys = false;    // it proves the password against SCRAM keys (RFC 5802) and never shows it
    bool needs_binding = false; // it names the TLS connection that it runs in (RFC 5929, RFC 9266)
};
std::span<const mechanism_row> mechanisms();
const mechanism_row& row_of(mechanism what);
const mechanism_row* find_mechanism(std::string_view name); // any case; nullptr = not ours

// What can be offered here and now.
struct offer {
    bool keys = false;    // somebody can look up SCRAM keys
    bool binding = false; // the connection has a name of its own
};
bool is_offered(const mechanism_row& row, offer now);
std::string announced(offer now); // what follows "AUTH " in EHLO's reply

} // namespace postern::protocol::sasl

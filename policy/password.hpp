// Passwords as they are chosen: refused when easy to guess, kept only as a crypt(5) hash. The text of a
// password never leaves these functions; what they say about one never quotes it.
#pragma once

#include "protocol/result.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace postern::policy {

inline constexpr std::size_t password_max = 256; // octets
inline constexpr std::size_t password_estimate_max =
    100; // octets that the estimate looks at: its cost grows with the square
inline constexpr double password_bits_min = 26.6; // 10^8 guesses

// Why this password is not to be used, one line; "" when it will do. `words` are what a guesser knows: name,
// domain, words of the place. Each counts as a whole and in its parts ("jan.novak": "jan", "novak").
std::string password_weakness(std::string_view password, std::span<const std::string> words);

// A yescrypt hash ("$y$...") under a new salt; some 20 ms.
result<std::string> hash_password(const std::string& password);

// What is kept of a password.
struct stored_password {
    std::string setting; // of hash_password()
    std::string scram;   // SCRAM keys of it, as protocol::sasl::to_text(); "" when SCRAM can't use it
};
result<stored_password> store_password(const std::string& password); // some 30 ms

} // namespace postern::policy

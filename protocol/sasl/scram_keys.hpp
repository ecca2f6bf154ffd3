// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3): enough to check a proof, not to make
// one.
#pragma once

#include "protocol/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::protocol::sasl {

inline constexpr unsigned scram_iterations = 10'000; // of new keys; some 8 ms. RFC 7677 wants 4096 at least
inline constexpr unsigned scram_iterations_min = 4096, scram_iterations_max = 10'000'000;
inline constexpr std::size_t scram_salt_octets = 16; // of new keys
inline constexpr std::size_t scram_salt_min = 8, scram_salt_max = 64;
inline constexpr std::size_t scram_key_octets = 32; // SHA-256

struct scram_keys {
    unsigned iterations = 0; // scram_iterations_min to _max
    std::string salt;        // octets
    std::string stored_key;  // scram_key_octets
    std::string server_key;  // scram_key_octets
    bool operator==(const scram_keys&) const = default;
};

// The error says that this password can't be used with SCRAM (RFC 4013: it has characters that SASLprep
// prohibits); with the hash of it alone PLAIN and LOGIN still work.
result<scram_keys> make_scram_keys(const std::string& password, std::string_view salt,
                                   unsigned iterations = scram_iterations);

// "iterations,salt,stored key,server key", the last three in base64.
std::string to_text(const scram_keys& keys);
std::optional<scram_keys>
parse_scram_keys(std::string_view text); // nullopt: not of that form, or beyond a limit

} // namespace postern::protocol::sasl

// Base64 (RFC 4648 §4) as SASL over SMTP wants it (RFC 4954 §4): the one spelling of its octets, or nothing.
// Nothing is skipped or repaired: two spellings of one secret are two ways past a filter.
#pragma once

#include "protocol/sasl/secret.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace postern::protocol::sasl {

// nullopt: a length that is no multiple of four, another alphabet, padding that is missing, too long or not
// at the end, bits set behind the last octet.
std::optional<secret> decode_base64(std::string_view text);
std::string encode_base64(std::string_view octets);

} // namespace postern::protocol::sasl

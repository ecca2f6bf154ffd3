// The secrets that questions about identities are answered with.
#pragma once

#include "storage/tables/identities.hpp"

namespace postern::policy {

inline constexpr std::size_t identity_token_size = 32; // characters, of 5 bits each

// 160 bits of chance as lower-case letters and digits, easy to type; "" when the system has none to give.
std::string new_identity_token();
// The digest it is kept by. Case, blanks and hyphens don't count; nullopt: it has not the form of one.
std::optional<storage::token_digest> digest_of_token(std::string_view token);

} // namespace postern::policy

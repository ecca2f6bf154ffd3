// Keys and values of the identities' tables as octets. Pure; any octets decode to a record, to `corrupt` or
// to `newer_format`. Internal to storage/tables/.
#pragma once

#include "storage/tables/identities.hpp"

namespace postern::storage {

// "first NUL second"
std::string pair_key(std::string_view first, std::string_view second);
struct key_pair {
    std::string_view first, second; // of the key
};
result<key_pair> split_pair(std::string_view key);

struct kept_identity {
    identity_record record;
    token_digest digest{}; // of the question that waits; zeros = none
};
std::string encode_identity(const kept_identity& kept);
result<kept_identity> decode_identity(std::string_view key, std::string_view value);

std::string encode_token(const token_record& token);
result<token_record> decode_token(std::string_view value);

// Of the row that says when an account was told of learning.
std::string told_key(std::string_view account);

std::string encode_use(const foreign_use& use);
result<foreign_use> decode_use(std::string_view key, std::string_view value);

// When mails went out, oldest first, the newest mail_times_max of them.
inline constexpr std::size_t mail_times_max = 1000;
std::string encode_times(const std::vector<std::int64_t>& times);
result<std::vector<std::int64_t>> decode_times(std::string_view value);

bool same_digest(const token_digest& a, const token_digest& b); // in a time that says nothing about them

} // namespace postern::storage

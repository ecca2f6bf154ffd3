// The values of the directory's tables as octets: a version, then fixed and length-prefixed fields,
// big-endian. Pure. Any octets decode to a record, to `corrupt` or to `newer_format`; what was encoded
// decodes to itself. Internal to storage/tables/.
#pragma once

#include "storage/tables/directory.hpp"

namespace postern::storage {

inline constexpr std::size_t password_max = 1024; // octets of a setting
inline constexpr std::size_t scram_max = 512;     // octets of SCRAM's keys as text

// `invalid` when a field is beyond its limit.
result<std::string> encode_domain(const domain_record& record);
result<std::string> encode_mailbox(const mailbox_record& record);
// The name and the address are the record's key.
result<domain_record> decode_domain(std::string_view name, std::string_view value);
result<mailbox_record> decode_mailbox(std::string_view address, std::string_view value);

// An alias's target is part of its key, so that an alias may have any number of them: "address NUL target".
std::string alias_key(std::string_view address, std::string_view target);
std::string encode_alias();
result<alias_record> decode_alias(std::string_view key, std::string_view value);

} // namespace postern::storage

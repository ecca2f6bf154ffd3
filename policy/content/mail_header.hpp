// The header of a message as fields, and what stands in the fields that test 8 looks at. Lenient, because
// junk is; linear; fails on nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content {

struct mail_field {
    std::string name;  // lower case
    std::string value; // unfolded, trimmed, encoded words as they stand
};

inline constexpr std::size_t mail_fields_max = 500;            // fields that are kept
inline constexpr std::size_t mail_header_max = 128 * 1024;     // octets that are looked at
inline constexpr std::size_t mail_field_octets_max = 8 * 1024; // of one field

// Up to the first empty line of `message`, or the first that is neither a field nor folded.
std::vector<mail_field> read_mail_header(std::string_view message);

// Encoded words decoded, everything valid UTF-8.
std::string decoded(std::string_view value);

struct mail_author {
    std::string name;           // decoded, UTF-8; comments count as names
    std::string address;        // as it stands there; "" = none can be read
    std::string domain() const; // lower case
};
inline constexpr std::size_t mail_authors_max = 200;
// RFC 5322 §3.4, groups and obsolete forms too.
std::vector<mail_author> read_addresses(std::string_view value);

// RFC 5322 §3.3, obsolete zones too. Seconds since 1970.
std::optional<std::int64_t> read_mail_date(std::string_view value);

} // namespace postern::policy::content

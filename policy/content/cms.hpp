// What S/MIME wraps a message in (RFC 5652, RFC 8551): signed, it is there for everybody to read, and mail
// programs show its parts as those of any other message.
#pragma once

#include "policy/content/piece.hpp"

#include <functional>
#include <string_view>

namespace postern::policy::content {

enum class cms_kind : unsigned char {
    none,        // it is something else
    signed_data, // its content was told; there may be none (a signature beside what it signs)
    encrypted,
    compressed, // RFC 3274
    broken,     // it begins like one, and can't be followed
};

// Tells the content of signed data in pieces, as it stands there; `told` returns false to hear no more. BER,
// with lengths that are not known before, as OpenSSL writes them. Linear, without recursion.
cms_kind read_cms(std::string_view octets, const std::function<bool(std::string_view)>& told);

// Findings: encrypted, unreadable, limit, and those of the content, which is looked at as a message if it may
// be one. Nothing when the octets are something else.
void look_at_cms(look& shared, const piece& around);

} // namespace postern::policy::content

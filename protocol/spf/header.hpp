// How the result of an SPF check is told to whoever reads the message. What a peer chose is quoted or made
// printable, so that no header field and no result can be forged by it.
#pragma once

#include "protocol/spf/evaluator.hpp"

namespace postern::protocol::spf {

// The whole field with its CRLF (RFC 7208 §9.1); `receiver` is our host name, `subject` what the evaluator
// had. No line is longer than 998 octets.
std::string received_spf_field(const query& subject, const conclusion& result, std::string_view receiver);

// What stands between the semicolons of Authentication-Results (RFC 8601 §2.2, §2.7.2):
// "spf=pass smtp.mailfrom=a@example.com". One line without an end.
std::string authentication_result(const query& subject, const conclusion& result);

} // namespace postern::protocol::spf

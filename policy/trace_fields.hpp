// The fields that say what the tests found: Received-SPF (RFC 7208 §9.1), Authentication-Results (RFC 8601)
// and what a test in mode "report" would have refused.
#pragma once

#include "policy/context.hpp"

#include <string>
#include <string_view>

namespace postern::policy {

// Whole fields with their CRLF, to stand above Received; "" when nothing was found out. `hostname` is ours.
// They name no recipient: all of them will read this.
std::string trace_fields(const transaction& learned, std::string_view hostname);

// What was found after trace_fields() was written: the reports since `reports_written`, and what the checks
// of the content say. Likewise; fields beyond storage::result_fields_max octets are left out.
std::string result_fields(const transaction& learned);

// A field as `transaction::result_fields` wants it: a name, a colon and a value of printable ASCII and
// blanks, perhaps folded, with CRLF at each line's end.
bool is_whole_field(std::string_view text);

} // namespace postern::policy

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

} // namespace postern::policy

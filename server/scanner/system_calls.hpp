// The system calls that a worker keeps.
#pragma once

#include "protocol/result.hpp"

#include <string>

namespace postern::server::scanner {

// Built with a sanitizer: it needs more memory and more calls than the program.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

// For good, for this process: reading, writing, memory without execution, files behind the walls, time,
// ending. Everything else fails with EPERM. The error is a sentence.
result<void, std::string> forbid_other_calls();

} // namespace postern::server::scanner

// Tests 6 to 8 as one pass over a message, in the scanner's process: walks its parts, gathers their names,
// opens archives, asks the antivirus engine, collects what the spam score weighs. It judges nothing: what a
// finding leads to is the server's to say.
#pragma once

#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <cstdint>
#include <functional>

namespace postern::policy::content {

class signatures; // clamav.hpp

// Milliseconds since the inspection was asked for. An empty one: order.milliseconds is not held from inside.
using stopwatch = std::function<std::uint64_t()>;

// `message`: its octets, mapped or in memory, borrowed for the call. `known` is null where there are no
// signatures: an order that wants them then gets not_scanned. Never throws: what could not be done for want
// of memory or room is a finding. Returns within order.milliseconds and a little, but for a parser that
// hangs: then the process is ended from outside. Files that it needs are in `folder`, and gone afterwards; a
// process whose files are limited (RLIMIT_FSIZE) ignores SIGXFSZ. LC_CTYPE must be a UTF-8 locale, or names
// in archives that aren't ASCII may be missing.
protocol::scan::report inspect(std::string_view message, const protocol::scan::order& asked,
                               const signatures* known, const std::string& folder,
                               const stopwatch& elapsed = {});

} // namespace postern::policy::content

// Tests 6 to 8 as one pass over a message, in the scanner's process: walks its parts, gathers their names,
// opens archives, asks the antivirus engine, collects what the spam score weighs. It judges nothing: what a
// finding leads to is the server's to say.
#pragma once

#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

namespace postern::policy::content {

class signatures; // clamav.hpp

// `message`: its octets, mapped or in memory, borrowed for the call. `known` is null where there are no
// signatures: an order that wants them then gets not_scanned. Never throws: what could not be done for want
// of memory or room is a finding. Returns within order.milliseconds and a little, but for a parser that
// hangs: then the process is ended from outside. Files that it needs are in `folder`, and gone afterwards.
protocol::scan::report inspect(std::string_view message, const protocol::scan::order& asked,
                               const signatures* known, const std::string& folder);

} // namespace postern::policy::content

// One process that looks at messages, behind closed doors: takes an order with a descriptor, answers with a
// report, and so on until the other end closes.
#pragma once

#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <functional>
#include <string_view>

namespace postern::server::scanner {

using inspector =
    std::function<protocol::scan::report(std::string_view message, const protocol::scan::order&)>;

// Returns the process's exit code. What is wrong with an order ends it: the server counts that as a failed
// scan.
int work(int channel, const inspector& inspect);

} // namespace postern::server::scanner

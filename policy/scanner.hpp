// Tests 6 to 8 ask for what is in a message; somebody else looks, elsewhere (docs/scanner.md).
#pragma once

#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

namespace postern::policy {

struct scan_outcome {
    std::optional<protocol::scan::report> found; // none: the message could not be looked at
    std::string trouble;                         // why, for the log
};

// Of one message, which has come whole.
class message_scanner {
  public:
    virtual ~message_scanner() = default;
    // `asked` without what says which message it is. Ends by its own deadline.
    virtual boost::asio::awaitable<scan_outcome> scan(protocol::scan::order asked) = 0;
};

} // namespace postern::policy

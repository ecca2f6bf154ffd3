// Tests 6 to 8 ask for what is in a message; somebody else looks, elsewhere (docs/scanner.md).
#pragma once

#include "protocol/scan/order.hpp"
#include "protocol/scan/report.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::policy {

struct scan_outcome {
    std::optional<protocol::scan::report> found; // none: the message could not be looked at
    std::string trouble;                         // why, for the log
};

// What another engine thinks of a message.
struct engine_opinion {
    double points = 0;
    std::vector<std::pair<std::string, double>> signs; // with what each adds
    std::string trouble;                               // why there is no opinion; "" = there is one
};

// Of one message, which has come whole.
class message_scanner {
  public:
    virtual ~message_scanner() = default;
    // `asked` without what says which message it is. Ends by its own deadline.
    virtual boost::asio::awaitable<scan_outcome> scan(protocol::scan::order asked) = 0;
    // The engine that the configuration names. Likewise. `host_name`: the client's, proved; "" = none is
    // known.
    virtual boost::asio::awaitable<engine_opinion> ask_engine(std::string) {
        co_return engine_opinion{0, {}, "no engine can be asked here"};
    }
};

} // namespace postern::policy

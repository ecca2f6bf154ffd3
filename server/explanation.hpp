// What the tests would say of a RCPT that nobody sends: the same engine as a session's, with a trace. Nothing
// is delivered, and greylisting only looks.
#pragma once

#include "policy/context.hpp"
#include "policy/verdict.hpp"

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

namespace postern::server {

struct explain_subject {
    conf::listener_settings listener;
    protocol::ip_address client;
    std::string helo;
    std::optional<protocol::address> sender; // none: <>
    protocol::address recipient;
};

struct explained_test {
    std::string_view test;
    std::string_view mode;             // "enforce", "report", "off"; "always" for what has none
    std::string_view verdict;          // "pass", "refuse", "defer"; "reported", "skipped", "not reached"
    std::string reply;                 // of "refuse", "defer" and "reported"
    std::string reason;                // "" = none
    std::chrono::microseconds took{0}; // that RCPT waited for it; look-ups begin earlier
};

struct explanation {
    std::string tier;                  // whose tests they are; "" = of no name that the configuration has
    std::vector<explained_test> tests; // in the order of their verdicts
    policy::verdict said;              // of the whole: passed, or what RCPT is answered
};

// `ask` outlives the await. Ends when the last look-up has, or its deadline.
boost::asio::awaitable<explanation> explain(explain_subject about, std::shared_ptr<const conf::config> config,
                                            policy::services ask, std::int64_t now);

} // namespace postern::server

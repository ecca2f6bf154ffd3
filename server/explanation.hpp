// What the tests would say of a RCPT, and of a message, that nobody sends: the same engine and the same
// session as a client's, with a trace. Nothing is delivered, and greylisting only looks.
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
    std::string account = {}; // the mailbox, folded, of who authenticated; "" = the client is a server
    std::optional<std::string> message = {};    // with CRLF lines; none: only what RCPT is told
    policy::message_scanner* scanner = nullptr; // looks into it; outlives the await. Null: nobody does
};

struct explained_test {
    std::string_view test;
    std::string_view mode; // "enforce", "report", "off"; "always" for what has none
    // "pass", "refuse", "defer", "junk"; "reported", "skipped", "not reached"
    std::string_view verdict;
    std::string reply;                 // of "refuse", "defer" and "reported"
    std::string reason;                // "" = none
    std::chrono::microseconds took{0}; // that RCPT waited for it; look-ups begin earlier
};

struct explained_message {
    std::uint64_t size = 0;           // octets
    std::vector<std::string> removed; // fields that would be left out, as they came
    std::vector<std::string> added;   // fields that would stand above it
};

struct explanation {
    std::string tier;                  // whose tests they are; "" = of no name that the configuration has
    std::vector<explained_test> tests; // in the order of their verdicts
    policy::verdict said;              // of the whole: passed, or what RCPT or the message is answered
    bool recipient_taken = false;
    std::optional<explained_message> message; // where it is reached
    std::optional<policy::scan_outcome> scan; // what is in it
};

// `ask` outlives the await. Ends when the last look-up has, or its deadline.
boost::asio::awaitable<explanation> explain(explain_subject about, std::shared_ptr<const conf::config> config,
                                            policy::services ask, std::int64_t now);

} // namespace postern::server

// What is counted of senders, for a sub-command: beside a running server or without one.
#pragma once

#include "server/admin/support.hpp"
#include "server/sending/rate_time.hpp"

namespace postern::server {

struct rates_access {
    rates_access(const conf::config& settings, terminal& with);

    state_access state; // first: outlives the open table
    std::unique_ptr<storage::rates> rows;
    policy::rate_seconds now = 0;
    exit_code code = exit_code::ok; // and its error was said

    std::int64_t wall_time_of(policy::rate_seconds when) const;
};

// The argument as the tables have it; the error is said and is `code`.
std::string account_argument(const arguments& given, terminal& with, exit_code& code);

} // namespace postern::server

// What `postern learn` does with a message once somebody has read it for us: hostile content is never parsed
// in this process.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"
#include "protocol/scan/report.hpp"
#include "server/admin/commands.hpp"

#include <functional>
#include <string>

namespace postern::server {

// The facts of a message, or why there are none, as a sentence.
using facts_source =
    std::function<result<protocol::scan::facts, std::string>(const conf::config&, std::string_view message)>;

exit_code learn_message(const arguments& given, terminal& with, const facts_source& read);

} // namespace postern::server

// Runs the checks of a stage in the registry's order; the first that does not pass is the verdict.
#pragma once

#include "policy/check.hpp"

namespace postern::policy {

// Is any check interested in this stage? Lets a caller skip a suspension.
bool has_checks(stage at);
boost::asio::awaitable<verdict> judge(stage at, context& about);

} // namespace postern::policy

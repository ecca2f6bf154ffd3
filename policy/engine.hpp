// Runs the checks of a stage in the registry's order; the first that refuses, in a mode that enforces, is the
// verdict. Look-ups are begun as early as they can be.
#pragma once

#include "policy/check.hpp"

namespace postern::policy {

// Is any check interested in this stage of servers' or people's mail? Lets a caller skip a suspension.
bool has_checks(stage at, audience of);
// At rcpt, when all pass, the candidate is added to the transaction's recipients.
// At content, when none refuses the whole message, what they said of each recipient is settled: the verdict
// may be a refusal by all of them.
boost::asio::awaitable<verdict> judge(stage at, context& about, std::span<const check> rows = registry());

// What a test does on that day: enforce_from turns enforce into report until it has come.
conf::test_mode mode_on(const conf::test_settings& test, conf::day today);
// Does any test wait for its day? Else nobody needs to know which day it is.
bool is_the_day_asked(const conf::config& config);

} // namespace postern::policy

// What every backend of the rules promises. A backend's test calls check_rules_contract() with an empty
// table, inside a TEST_CASE.
#pragma once

#include "storage/tables/rules.hpp"

namespace postern::testing {

void check_rules_contract(storage::rules& kept);

} // namespace postern::testing

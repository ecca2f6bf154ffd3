// What every backend of what was learned promises. A backend's test calls check_tokens_contract() with an
// empty table, inside a TEST_CASE.
#pragma once

#include "storage/tables/tokens.hpp"

namespace postern::testing {

void check_tokens_contract(storage::tokens& taught);

} // namespace postern::testing

// What every backend of the ledger promises. A backend's test calls check_ledger_contract() with an empty
// ledger, inside a TEST_CASE.
#pragma once

#include "storage/tables/ledger.hpp"

namespace postern::testing {

void check_ledger_contract(storage::ledger& refusals);

} // namespace postern::testing

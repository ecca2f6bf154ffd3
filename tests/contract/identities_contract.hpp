// What every backend of the identities promises. A backend's test calls check_identities_contract() with an
// empty table, inside a TEST_CASE.
#pragma once

#include "storage/tables/identities.hpp"

namespace postern::testing {

void check_identities_contract(storage::identities& kept);

} // namespace postern::testing

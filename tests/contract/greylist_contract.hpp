// What every backend of the greylist promises. A backend's test calls check_greylist_contract() with an empty
// greylist, inside a TEST_CASE.
#pragma once

#include "storage/tables/greylist.hpp"

namespace postern::testing {

void check_greylist_contract(storage::greylist& pairs);

} // namespace postern::testing

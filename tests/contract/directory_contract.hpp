// What every backend of the directory promises. A backend's test calls check_directory_contract() with an
// empty directory, inside a TEST_CASE.
#pragma once

#include "storage/tables/directory.hpp"

namespace postern::testing {

void check_directory_contract(storage::directory& accounts);

} // namespace postern::testing

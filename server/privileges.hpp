// Root is needed to bind ports and nothing else. What root has to leave to the user is given away before the
// rights go; whatever the user can do itself is left to it.
#pragma once

#include "storage/state_lock.hpp"

#include <string>

namespace postern::server {

struct belongings {
    std::string state_dir;
    const storage::state_lock& lock; // of that folder
    std::string control_socket;      // its folder is made where root alone could make it
};

// When started as root: becomes `user` with its groups, for good, and `things` become the user's. "" or not
// root: nothing happens. Returns what went wrong and the cure, or "".
std::string drop_privileges(const std::string& user, const belongings& things);

} // namespace postern::server

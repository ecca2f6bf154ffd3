// One server per state folder: a lock file held for the life of the process (flock). A second one is told who
// holds it.
#pragma once

#include "storage/file_env.hpp"

#include <sys/types.h>

namespace postern::storage {

class state_lock {
  public:
    // Makes the folder when absent. `about` says more of an error. locked: another process has it, whose
    // process id it is. Otherwise it is the path that could not be made, opened or locked; invalid: that is
    // no plain file, or has another name elsewhere, and was left as it is.
    static result<state_lock> take(const std::string& state_dir, std::string& about);

    // The file becomes another user's; root's affair.
    result<void> give_to(uid_t user, gid_t group) const;

  private:
    explicit state_lock(file_handle file) : file_(std::move(file)) {}
    file_handle file_;
};

} // namespace postern::storage

// One server per state folder: a lock file held for the life of the process (flock). A second one is told who
// holds it.
#pragma once

#include "storage/file_env.hpp"

namespace postern::storage {

class state_lock {
  public:
    // Makes the folder when absent. locked: another process has it; its process id is then in `holder`.
    static result<state_lock> take(const std::string& state_dir, std::string& holder);

  private:
    explicit state_lock(file_handle file) : file_(std::move(file)) {}
    file_handle file_;
};

} // namespace postern::storage

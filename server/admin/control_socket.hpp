// The path of the control socket: made, guarded, removed. Made by the app at its start,
// served by control.cpp.
#pragma once

#include <string>
#include <sys/types.h>

namespace postern::server {

// A listening socket at `path`, mode 0660, non-blocking. A socket that nobody listens on any more is
// replaced; one that is alive, or a path that is no socket, is an error (boost::system::system_error). The
// path goes with the object, if it is still ours.
class control_listener {
  public:
    explicit control_listener(std::string path);
    ~control_listener();
    control_listener(const control_listener&) = delete;
    control_listener& operator=(const control_listener&) = delete;
    int release(); // the descriptor is the caller's from now on

  private:
    void close_descriptor();

    std::string path_;
    int fd_ = -1;
    dev_t device_ = 0; // with inode_: which file is ours
    ino_t inode_ = 0;
};

} // namespace postern::server

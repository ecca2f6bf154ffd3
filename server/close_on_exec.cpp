#include "server/close_on_exec.hpp"

#include <fcntl.h>

namespace postern::server {

void close_on_exec(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

} // namespace postern::server

// Strikes the Nth writing or flushing system call of this program, liblmdb.so's included: write, writev,
// pwrite, pwritev, fsync, fdatasync. Counted over all threads; everything passes on while nothing is armed.
#pragma once

namespace postern::testing {

void fail_system_call(int nth,
                      int error);  // the nth from now (1 = the next) fails with the errno, without being done
void kill_at_system_call(int nth); // the process dies by SIGKILL instead of making it
// Ends that, and tells whether it struck.
bool disarm_system_calls();

} // namespace postern::testing

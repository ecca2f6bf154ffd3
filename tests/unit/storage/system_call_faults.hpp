// Strikes the Nth writing or flushing system call of this program, liblmdb.so's included: write, writev,
// pwrite, pwritev, fsync, fdatasync. Counted over all threads; everything passes on while nothing is armed.
#pragma once

namespace postern::testing {

void fail_system_call(int nth,
                      int error); // the nth from now (1 = the next) fails with the errno, without being done
void fail_system_calls_from(int nth, int error); // and every one after it, until disarmed
void kill_at_system_call(int nth);               // the process dies by SIGKILL instead of making it
void kill_at_read(int nth);                      // as that, at the nth pread from now
// Ends that, and tells whether it struck.
bool disarm_system_calls();

} // namespace postern::testing

// The functions below stand before libc's for the whole program: the linker exports those that a shared
// library asks for.
#undef _FORTIFY_SOURCE // or libc's headers define pread themselves
#include "system_call_faults.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::atomic<int> calls_left = 0;   // 1 = the next call is struck; 0 = none is
std::atomic<int> error_number = 0; // 0 = SIGKILL
std::atomic<bool> has_struck = false;
std::atomic<bool> goes_on = false; // the calls after the nth are struck too
std::atomic<int> reads_left = 0;

bool strikes_now() {
    if (calls_left == 0) return false;
    if (calls_left > 1) {
        --calls_left;
        return false;
    }
    if (!goes_on) calls_left = 0;
    if (error_number == 0) ::kill(::getpid(), SIGKILL);
    has_struck = true;
    errno = error_number;
    return true;
}

void count_read() {
    if (reads_left != 0 && --reads_left == 0) ::kill(::getpid(), SIGKILL);
}

void arm(int nth, int error, bool stays) {
    error_number = error;
    has_struck = false;
    goes_on = stays;
    calls_left = nth;
}

} // namespace

extern "C" ssize_t write(int fd, const void* octets, size_t size) {
    return strikes_now() ? -1 : ::syscall(SYS_write, fd, octets, size);
}
extern "C" ssize_t writev(int fd, const iovec* pieces, int count) {
    return strikes_now() ? -1 : ::syscall(SYS_writev, fd, pieces, count);
}
extern "C" ssize_t pwrite(int fd, const void* octets, size_t size, off_t at) {
    return strikes_now() ? -1 : ::syscall(SYS_pwrite64, fd, octets, size, at);
}
extern "C" ssize_t pwrite64(int fd, const void* octets, size_t size, off64_t at) {
    return strikes_now() ? -1 : ::syscall(SYS_pwrite64, fd, octets, size, at);
}
extern "C" ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
    return strikes_now() ? -1 : ::syscall(SYS_pwritev, fd, pieces, count, at, 0);
}
extern "C" ssize_t pread(int fd, void* octets, size_t size, off_t at) {
    count_read();
    return ::syscall(SYS_pread64, fd, octets, size, at);
}
extern "C" ssize_t pread64(int fd, void* octets, size_t size, off64_t at) {
    count_read();
    return ::syscall(SYS_pread64, fd, octets, size, at);
}
extern "C" int fsync(int fd) { return strikes_now() ? -1 : static_cast<int>(::syscall(SYS_fsync, fd)); }
extern "C" int fdatasync(int fd) {
    return strikes_now() ? -1 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace postern::testing {

void fail_system_call(int nth, int error) { arm(nth, error, false); }
void fail_system_calls_from(int nth, int error) { arm(nth, error, true); }
void kill_at_system_call(int nth) { arm(nth, 0, false); }
void kill_at_read(int nth) { reads_left = nth; }

bool disarm_system_calls() {
    calls_left = 0;
    return has_struck;
}

} // namespace postern::testing

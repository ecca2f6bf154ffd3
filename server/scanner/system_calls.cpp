#include "server/scanner/system_calls.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <seccomp.h>
#include <sys/mman.h>

namespace postern::server::scanner {
namespace {

// What libclamav, libarchive and the C library call, and the channel to the server. Sockets can't be made,
// only that one used.
constexpr std::array allowed{
    SCMP_SYS(read),           SCMP_SYS(pread64),         SCMP_SYS(readv),        SCMP_SYS(write),
    SCMP_SYS(pwrite64),       SCMP_SYS(writev),          SCMP_SYS(open),         SCMP_SYS(openat),
    SCMP_SYS(close),          SCMP_SYS(fstat),           SCMP_SYS(stat),         SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),     SCMP_SYS(lseek),           SCMP_SYS(ftruncate),    SCMP_SYS(access),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),          SCMP_SYS(brk),          SCMP_SYS(madvise),
    SCMP_SYS(futex),          SCMP_SYS(getpid),          SCMP_SYS(gettid),       SCMP_SYS(getuid),
    SCMP_SYS(geteuid),        SCMP_SYS(clock_gettime),   SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom),      SCMP_SYS(getdents64),      SCMP_SYS(mkdir),        SCMP_SYS(rmdir),
    SCMP_SYS(unlink),         SCMP_SYS(unlinkat),        SCMP_SYS(fcntl),        SCMP_SYS(getcwd),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),      SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),  SCMP_SYS(poll),
    SCMP_SYS(recvmsg),        SCMP_SYS(sendmsg),         SCMP_SYS(umask)};

constexpr std::array for_sanitizers{
    SCMP_SYS(sigaltstack), SCMP_SYS(prctl),     SCMP_SYS(readlink),          SCMP_SYS(tgkill),
    SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64), SCMP_SYS(sched_getaffinity), SCMP_SYS(pipe2),
    SCMP_SYS(ioctl)};

struct release {
    void operator()(void* filter) const { seccomp_release(filter); }
};

std::string trouble(int code) { return std::string("seccomp: ") + std::strerror(-code); }

} // namespace

result<void, std::string> forbid_other_calls() {
    const std::unique_ptr<void, release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return std::string("seccomp: no memory");
    for (const int call : allowed)
        if (const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); code != 0)
            return trouble(code);
    if (is_sanitized)
        for (const int call : for_sanitizers)
            if (const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); code != 0)
                return trouble(code);
    // Memory that can be written to is never executed.
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
        const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (code != 0) return trouble(code);
    }
    if (const int code = seccomp_load(filter.get()); code != 0) return trouble(code);
    return {};
}

} // namespace postern::server::scanner

// Loaded before libc into a server under test: the N-th call of one kind, counted over all threads, kills the
// process or fails. Counting begins when the file $FAULT_ARMED is there. Says in $FAULT_DONE that it came so
// far. And a wall clock that is as far off as the file $FAULT_CLOCK says, in seconds.
//   FAULT="pwrite kill 3"        killed before the third pwrite
//   FAULT="pwrite killed 3"      killed after it
//   FAULT="fdatasync 5 1 2"      the first two fdatasync fail with errno 5
//   FAULT="fdatasync slow3 1 2"  the first two take three seconds each
//   FAULT="fdatasync skip 1 9"   nine say that they are done, and aren't
//   FAULT="pwrite short 1"       the first pwrite writes half of what it should
//   FAULT="malloc every 97"      every 97th malloc finds no memory
//   FAULT="malloc every 97 3"    and neither do the two after it
// Only calls that touch what lies below $FAULT_UNDER count, and every malloc and aligned_alloc.
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum class kind { none, kill_before, kill_after, fail, cut, slow, skip, fail_every };

struct wish {
    char call[32] = "";
    kind what = kind::none;
    int error = 0;
    unsigned seconds = 0; // of a slow one
    long first = 0, count = 1;
    const char *armed = nullptr, *done = nullptr, *under = nullptr;
};

const wish& wanted() {
    static const wish made = [] {
        wish w;
        w.armed = std::getenv("FAULT_ARMED");
        w.done = std::getenv("FAULT_DONE");
        w.under = std::getenv("FAULT_UNDER");
        const char* text = std::getenv("FAULT");
        char how[32] = "";
        if (text == nullptr || w.armed == nullptr || w.done == nullptr || w.under == nullptr) return w;
        if (std::sscanf(text, "%31s %31s %ld %ld", w.call, how, &w.first, &w.count) < 3) std::abort();
        const std::string_view name(how), slow("slow");
        w.what = name == "kill"           ? kind::kill_before
                 : name == "killed"       ? kind::kill_after
                 : name == "short"        ? kind::cut
                 : name == "skip"         ? kind::skip
                 : name == "every"        ? kind::fail_every
                 : name.starts_with(slow) ? kind::slow
                                          : kind::fail;
        w.error = std::atoi(how);
        if (w.what == kind::slow) w.seconds = static_cast<unsigned>(std::atoi(how + slow.size()));
        return w;
    }();
    return made;
}

bool is_below(int folder, const char* path) {
    char link[64], where[PATH_MAX];
    if (path != nullptr && path[0] == '/') return std::string_view(path).starts_with(wanted().under);
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t length = readlink(link, where, sizeof where);
    return length > 0 &&
           std::string_view(where, static_cast<std::size_t>(length)).starts_with(wanted().under);
}

template <class Function> Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void say_done() {
    const int saved = errno;
    close(static_cast<int>(syscall(SYS_openat, AT_FDCWD, wanted().done, O_CREAT | O_WRONLY, 0600)));
    errno = saved;
}

bool is_armed() {
    const int saved = errno;
    const bool armed = access(wanted().armed, F_OK) == 0;
    errno = saved;
    return armed;
}

// Allocates nothing itself.
bool has_no_memory() {
    static std::atomic<long> counted{0};
    const auto& w = wanted();
    if (w.what != kind::fail_every || std::strcmp(w.call, "malloc") != 0 || !is_armed()) return false;
    if (++counted % w.first >= w.count) return false;
    say_done();
    return true;
}

// What is to happen to this call.
kind fate(const char* call, int folder, const char* path) {
    static std::atomic<long> counted{0};
    const auto& w = wanted();
    if (w.what == kind::none || std::strcmp(w.call, call) != 0) return kind::none;
    const int saved = errno;
    const bool counts = is_armed() && is_below(folder, path);
    errno = saved;
    if (!counts) return kind::none;
    const long number = ++counted;
    if (number < w.first || number >= w.first + w.count) return kind::none;
    say_done();
    return w.what;
}

// Runs `real` unless it is to fail; `cut` is the same for half of the octets.
template <class Real, class Cut>
auto call(const char* name, int folder, const char* path, Real real, Cut cut) -> decltype(real()) {
    const kind how = fate(name, folder, path);
    switch (how) {
    case kind::none:
    case kind::fail_every: return real();
    case kind::kill_before: raise(SIGKILL); break;
    case kind::kill_after: {
        (void)real();
        raise(SIGKILL);
        break;
    }
    case kind::fail: errno = wanted().error; return -1;
    case kind::cut: return cut();
    case kind::skip: return 0;
    case kind::slow: sleep(wanted().seconds); break;
    }
    return real();
}
template <class Real>
auto call(const char* name, int folder, const char* path, Real real) -> decltype(real()) {
    return call(name, folder, path, real, real);
}

long clock_offset() {
    static const char* const path = std::getenv("FAULT_CLOCK");
    if (path == nullptr) return 0;
    char text[32] = "";
    static const auto real_open = next<int(const char*, int, mode_t)>("open");
    const int fd = real_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    [[maybe_unused]] const auto got = read(fd, text, sizeof text - 1);
    close(fd);
    return std::atol(text);
}

} // namespace

extern "C" {

void* __libc_malloc(size_t size);
void* malloc(size_t size) {
    if (!has_no_memory()) return __libc_malloc(size);
    errno = ENOMEM;
    return nullptr;
}
void* __libc_memalign(size_t alignment, size_t size);
void* aligned_alloc(size_t alignment, size_t size) { // Asio's, of coroutines and handlers
    if (!has_no_memory()) return __libc_memalign(alignment, size);
    errno = ENOMEM;
    return nullptr;
}
int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = va_arg(more, mode_t);
    va_end(more);
    static const auto real = next<int(const char*, int, mode_t)>("open");
    return call("open", AT_FDCWD, path, [&] { return real(path, flags, mode); });
}
int openat(int folder, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = va_arg(more, mode_t);
    va_end(more);
    static const auto real = next<int(int, const char*, int, mode_t)>("openat");
    return call("openat", folder, path, [&] { return real(folder, path, flags, mode); });
}
ssize_t write(int fd, const void* octets, size_t size) {
    static const auto real = next<ssize_t(int, const void*, size_t)>("write");
    return call(
        "write", fd, nullptr, [&] { return real(fd, octets, size); },
        [&] { return real(fd, octets, size / 2); });
}
ssize_t pwrite(int fd, const void* octets, size_t size, off_t at) {
    static const auto real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    return call(
        "pwrite", fd, nullptr, [&] { return real(fd, octets, size, at); },
        [&] { return real(fd, octets, size / 2, at); });
}
ssize_t pwrite64(int fd, const void* octets, size_t size, off64_t at) { return pwrite(fd, octets, size, at); }
ssize_t writev(int fd, const iovec* parts, int count) {
    static const auto real = next<ssize_t(int, const iovec*, int)>("writev");
    return call(
        "writev", fd, nullptr, [&] { return real(fd, parts, count); }, [&] { return real(fd, parts, 1); });
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
    static const auto real = next<ssize_t(int, const iovec*, int, off_t)>("pwritev");
    return call(
        "pwritev", fd, nullptr, [&] { return real(fd, parts, count, at); },
        [&] { return real(fd, parts, 1, at); });
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }
int fsync(int fd) {
    static const auto real = next<int(int)>("fsync");
    return call("fsync", fd, nullptr, [&] { return real(fd); });
}
int fdatasync(int fd) {
    static const auto real = next<int(int)>("fdatasync");
    return call("fdatasync", fd, nullptr, [&] { return real(fd); });
}
int msync(void* at, size_t size, int flags) {
    static const auto real = next<int(void*, size_t, int)>("msync");
    return real(at, size, flags);
}
int ftruncate(int fd, off_t size) {
    static const auto real = next<int(int, off_t)>("ftruncate");
    return call("ftruncate", fd, nullptr, [&] { return real(fd, size); });
}
int mkdirat(int folder, const char* path, mode_t mode) {
    static const auto real = next<int(int, const char*, mode_t)>("mkdirat");
    return call("mkdirat", folder, path, [&] { return real(folder, path, mode); });
}
int renameat(int from, const char* path, int to, const char* name) {
    static const auto real = next<int(int, const char*, int, const char*)>("renameat");
    return call("renameat", from, path, [&] { return real(from, path, to, name); });
}
int renameat2(int from, const char* path, int to, const char* name, unsigned flags) {
    static const auto real = next<int(int, const char*, int, const char*, unsigned)>("renameat2");
    return call("renameat2", from, path, [&] { return real(from, path, to, name, flags); });
}
int linkat(int from, const char* path, int to, const char* name, int flags) {
    static const auto real = next<int(int, const char*, int, const char*, int)>("linkat");
    return call("linkat", from, path, [&] { return real(from, path, to, name, flags); });
}
int unlinkat(int folder, const char* path, int flags) {
    static const auto real = next<int(int, const char*, int)>("unlinkat");
    return call("unlinkat", folder, path, [&] { return real(folder, path, flags); });
}

int clock_gettime(clockid_t which, timespec* into) {
    static const auto real = next<int(clockid_t, timespec*)>("clock_gettime");
    const int done = real(which, into);
    if (done == 0 && which == CLOCK_REALTIME) into->tv_sec += clock_offset();
    return done;
}
time_t time(time_t* into) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (into != nullptr) *into = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(timeval* into, void*) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    *into = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
}

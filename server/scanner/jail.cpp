// A new user namespace gives the rights to make the others, whoever started the program. The root of its file
// system is an empty one in memory, with the signatures bound into it read-only; the old root is gone. In the
// new network namespace there is nothing, not even loopback.
#include "server/scanner/jail.hpp"

#include "server/scanner/system_calls.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace postern::server::scanner {
namespace {

using outcome = result<void, std::string>;

constexpr const char* new_root = "/tmp"; // any folder that every system has
constexpr std::string_view signatures_room = "/signatures";
constexpr std::string_view scratch_room = "/scratch";
constexpr std::string_view loading_room = "/loading";
constexpr unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr rlim_t descriptors_max = 128; // libclamav has a file open for each level of nesting

std::string failed(std::string_view what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

outcome write_file(const char* path, const std::string& text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool written =
        fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    auto told = written ? std::string() : failed(path);
    if (fd >= 0) ::close(fd);
    if (!written) return told;
    return {};
}

outcome make_namespaces() {
    const auto user = ::geteuid();
    const auto group = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        return failed("the system lets nobody make namespaces (allow them, enable postern-scanner.socket, or "
                      "set scanner.sandbox = \"calls\", which "
                      "keeps less out): unshare");
    if (auto done = write_file("/proc/self/setgroups", "deny"); !done) return done;
    if (auto done = write_file("/proc/self/uid_map", fmt::format("{} {} 1", user, user)); !done) return done;
    return write_file("/proc/self/gid_map", fmt::format("{} {} 1", group, group));
}

outcome mount_tmpfs(const char* where, const std::string& settings) {
    if (::mount("tmpfs", where, "tmpfs", closed, settings.c_str()) != 0)
        return failed(fmt::format("tmpfs on {}", where));
    return {};
}

// A folder of the new root; `descriptor` is the old folder that is to be seen there.
outcome bind_read_only(int descriptor, const std::string& where) {
    if (::mkdir(where.c_str(), 0700) != 0) return failed(where);
    const auto from = fmt::format("/proc/self/fd/{}", descriptor);
    if (::mount(from.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return failed("binding the signatures");
    if (::mount(nullptr, where.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | closed, nullptr) != 0)
        return failed("making the signatures read-only");
    return {};
}

outcome build_rooms(int signatures) {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("private mounts");
    if (auto done = mount_tmpfs(new_root, "size=64m,nr_inodes=4096,mode=0700"); !done) return done;
    const std::string root = new_root;
    if (signatures >= 0)
        if (auto done = bind_read_only(signatures, root + std::string(signatures_room)); !done) return done;
    for (const auto room : {scratch_room, loading_room})
        if (::mkdir((root + std::string(room)).c_str(), 0700) != 0) return failed(room);
    if (::chdir(new_root) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
        ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
        return failed("leaving the old root");
    return {};
}

outcome give_up_rights() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, 2> none{};
    if (::syscall(SYS_capset, &head, none.data()) != 0) return failed("giving up capabilities");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no new privileges");
    ::prctl(PR_SET_DUMPABLE, 0);
    return {};
}

outcome limit(int what, rlim_t to, const char* name) {
    const rlimit both{to, to};
    if (::setrlimit(static_cast<__rlimit_resource>(what), &both) != 0) return failed(name);
    return {};
}

outcome set_limits(const options& what, const rooms& where) {
    // The sanitizers map terabytes.
    if (!is_sanitized && where.mapped != 0)
        if (auto done = limit(RLIMIT_AS, where.mapped + what.memory, "RLIMIT_AS"); !done) return done;
    if (auto done = limit(RLIMIT_FSIZE, what.scratch, "RLIMIT_FSIZE"); !done) return done;
    if (auto done = limit(RLIMIT_CORE, 0, "RLIMIT_CORE"); !done) return done;
    if (auto done = limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC"); !done) return done;
    return limit(RLIMIT_NOFILE, descriptors_max, "RLIMIT_NOFILE");
}

outcome own_scratch(const options& what, const rooms& where) {
    if (::unshare(CLONE_NEWNS) != 0) return failed("a worker's own mounts");
    // What is left in it is shared by all workers, and was for loading.
    if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | closed, nullptr) != 0)
        return failed("making the root read-only");
    return mount_tmpfs(where.scratch.c_str(), fmt::format("size={},nr_inodes=20000,mode=0700", what.scratch));
}

} // namespace

result<rooms, std::string> leave_the_world(const options& what) {
    const int statm = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    rooms made{statm, 0, what.signatures, what.scratch_folder, what.scratch_folder};
    if (what.around == walls::calls_only) return made;
    if (auto done = make_namespaces(); !done) return done.error();
    // Of the new namespace: what was opened before can't be bound.
    const int signatures =
        what.signatures.empty() ? -1 : ::open(what.signatures.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!what.signatures.empty() && signatures < 0) return failed(what.signatures);
    if (auto done = build_rooms(signatures); !done) return done.error();
    if (signatures >= 0) {
        ::close(signatures); // else it would lead back to the old file system
        made.signatures = signatures_room;
    }
    made.scratch = scratch_room;
    made.loading = loading_room;
    return made;
}

void measure(rooms& of) {
    std::array<char, 64> text{};
    const auto count = ::pread(of.statm, text.data(), text.size() - 1, 0);
    const auto pages = count > 0 ? std::strtoull(text.data(), nullptr, 10) : 0;
    of.mapped = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    ::close(of.statm);
    of.statm = -1;
}

result<void, std::string> shut_the_door(const options& what, const rooms& where) {
    if (what.around == walls::namespaces)
        if (auto done = own_scratch(what, where); !done) return done;
    if (auto done = give_up_rights(); !done) return done;
    if (auto done = set_limits(what, where); !done) return done;
    return forbid_other_calls();
}

} // namespace postern::server::scanner

// The real system calls. Every one retries EINTR; an error leaves as the storage_errc of its errno.
// A path with folder = nullptr is resolved from the root or the working folder, as the operator wrote it.
#include "storage/file_env.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace postern::storage {

result<void> file_env::write_all(const file_handle& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = write(file, bytes);
        if (!written) return written.error();
        if (*written == 0) return storage_errc::io; // no progress and no reason: never spin on it
        bytes.remove_prefix(*written);
    }
    return {};
}

namespace {

template <class Call> auto retried(Call call) {
    auto value = call();
    while (value < 0 && errno == EINTR) value = call();
    return value;
}

result<void> done_or_errno(int value) {
    if (value < 0) return from_errno(errno);
    return {};
}

int at(const file_handle* folder) { return folder == nullptr ? AT_FDCWD : folder->get(); }

int flags_of(open_mode mode) {
    switch (mode) {
    case open_mode::read: return O_RDONLY;
    case open_mode::create_new: return O_WRONLY | O_CREAT | O_EXCL;
    case open_mode::create_empty: return O_WRONLY | O_CREAT | O_TRUNC;
    case open_mode::append: return O_WRONLY | O_CREAT | O_APPEND;
    case open_mode::change: return O_RDWR;
    }
    return O_RDONLY;
}

int open_without_links(int folder, const char* path) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// For file systems without RENAME_NOREPLACE (NFS, ZFS before 2.2). A file has both names for a moment, and
// keeps both after a crash in between. A folder can't have two: one that came to be under the name since it
// was looked for is replaced if it is empty, and else is an error.
result<void> rename_in_steps(int from_folder, const char* from, int to_folder, const char* to) {
    struct stat found{};
    if (retried([&] { return ::fstatat(from_folder, from, &found, AT_SYMLINK_NOFOLLOW); }) < 0)
        return from_errno(errno);
    if (!S_ISDIR(found.st_mode)) {
        auto linked = done_or_errno(retried([&] { return ::linkat(from_folder, from, to_folder, to, 0); }));
        if (linked)
            (void)::unlinkat(from_folder, from, 0); // it is where it should be, whatever becomes of this
        return linked;
    }
    if (::fstatat(to_folder, to, &found, AT_SYMLINK_NOFOLLOW) == 0) return storage_errc::exists;
    if (errno != ENOENT) return from_errno(errno);
    return done_or_errno(retried([&] { return ::renameat(from_folder, from, to_folder, to); }));
}

struct folder_closer {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

bool is_dot(const char* name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// Linux puts O_NOFOLLOW on the last component only: a symbolic link that waits under a file's name is
// refused.
class system_file_env final : public file_env {
  public:
    result<file_handle> open_folder(const file_handle* folder, const std::string& path,
                                    folder_links links) override {
        const int fd = retried([&] {
            if (links == folder_links::refuse) return open_without_links(at(folder), path.c_str());
            return ::openat(at(folder), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        });
        if (fd < 0) return from_errno(errno);
        return file_handle(fd);
    }

    result<file_handle> open_file(const file_handle* folder, const std::string& name,
                                  open_mode mode) override {
        const int flags = flags_of(mode) | O_CLOEXEC | O_NOFOLLOW;
        const int fd = retried([&] { return ::openat(at(folder), name.c_str(), flags, 0600); });
        if (fd < 0) return from_errno(errno);
        return file_handle(fd);
    }

    result<void> make_folder(const file_handle* folder, const std::string& name) override {
        return done_or_errno(retried([&] { return ::mkdirat(at(folder), name.c_str(), 0700); }));
    }

    result<std::size_t> read(const file_handle& file, std::span<char> into) override {
        const auto count = retried([&] { return ::read(file.get(), into.data(), into.size()); });
        if (count < 0) return from_errno(errno);
        return static_cast<std::size_t>(count);
    }

    result<void> seek(const file_handle& file, std::uint64_t at) override {
        if (::lseek(file.get(), static_cast<off_t>(at), SEEK_SET) < 0) return from_errno(errno);
        return {};
    }

    result<std::size_t> write(const file_handle& file, std::string_view bytes) override {
        const auto count = retried([&] { return ::write(file.get(), bytes.data(), bytes.size()); });
        if (count < 0) return from_errno(errno);
        return static_cast<std::size_t>(count);
    }

    result<void> sync_data(const file_handle& file) override {
        return done_or_errno(retried([&] { return ::fdatasync(file.get()); }));
    }

    result<void> sync_folder(const file_handle& folder) override {
        return done_or_errno(retried([&] { return ::fsync(folder.get()); }));
    }

    void begin_writing(const file_handle& file, std::uint64_t from, std::uint64_t octets) override {
        ::sync_file_range(file.get(), static_cast<off64_t>(from), static_cast<off64_t>(octets),
                          SYNC_FILE_RANGE_WRITE);
    }

    bool set_direct(const file_handle& file, bool direct) override {
        const int flags = ::fcntl(file.get(), F_GETFL);
        return flags >= 0 && ::fcntl(file.get(), F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
    }

    result<void> rename(const file_handle& from_folder, const std::string& from, const file_handle& to_folder,
                        const std::string& to) override {
        const int moved = retried([&] {
            return ::renameat2(from_folder.get(), from.c_str(), to_folder.get(), to.c_str(),
                               RENAME_NOREPLACE);
        });
        if (moved < 0 && (errno == EINVAL || errno == ENOSYS))
            return rename_in_steps(from_folder.get(), from.c_str(), to_folder.get(), to.c_str());
        return done_or_errno(moved);
    }

    result<void> remove(const file_handle& folder, const std::string& name) override {
        return done_or_errno(retried([&] { return ::unlinkat(folder.get(), name.c_str(), 0); }));
    }

    result<file_facts> facts(const file_handle* folder, const std::string& name) override {
        struct stat found{};
        const int value =
            retried([&] { return ::fstatat(at(folder), name.c_str(), &found, AT_SYMLINK_NOFOLLOW); });
        if (value < 0) return from_errno(errno);
        return file_facts{static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec,
                          S_ISDIR(found.st_mode), found.st_dev, found.st_ino};
    }

    result<void> list(const file_handle& folder,
                      const std::function<bool(const std::string& name)>& visit) override {
        // A descriptor of its own: the position of `folder` is shared between duplicates and must stay at the
        // start.
        const int fd =
            retried([&] { return ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
        if (fd < 0) return from_errno(errno);
        const std::unique_ptr<DIR, folder_closer> entries(::fdopendir(fd));
        if (!entries) {
            const int error = errno;
            ::close(fd);
            return from_errno(error);
        }
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(entries.get());
            if (entry == nullptr) break;
            if (!is_dot(entry->d_name) && !visit(entry->d_name)) return {};
        }
        return done_or_errno(errno == 0 ? 0 : -1);
    }

    result<std::uint64_t> free_bytes(const std::string& path) override {
        struct statvfs found{};
        if (retried([&] { return ::statvfs(path.c_str(), &found); }) < 0) return from_errno(errno);
        return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    }
};

} // namespace

file_env& system_files() {
    static system_file_env real;
    return real;
}

} // namespace postern::storage

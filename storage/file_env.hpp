// The dozen system calls that storage uses, virtual, so that a test can fail, shorten or count each of them
// (LevelDB's Env). Errors are the storage_errc of errno. EINTR is retried inside. Thread-safe: it holds no
// state.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"
#include "storage/file_handle.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace postern::storage {

enum class open_mode {
    read,
    create_new,   // write; fails when it exists
    create_empty, // write; truncates what is there (left over by a crash)
    append,       // write at the end; created when absent
    change,       // write in place, from the start
};
enum class folder_links {
    follow, // for a path that the operator wrote
    refuse, // nothing below the folder may be a symbolic link (openat2 RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH)
};

struct file_facts {
    std::uint64_t size = 0;
    std::int64_t modified = 0; // unix seconds
    bool is_folder = false;
    std::uint64_t device = 0, inode = 0; // which file it is
};

inline constexpr std::size_t direct_alignment = 4096; // enough for every disk but a few; others say invalid

class file_env {
  public:
    virtual ~file_env() = default;

    // Paths are relative to `folder` (an open folder), or absolute with folder = nullptr.
    virtual result<file_handle> open_folder(const file_handle* folder, const std::string& path,
                                            folder_links links) = 0;
    virtual result<file_handle> open_file(const file_handle* folder, const std::string& name,
                                          open_mode mode) = 0;
    // Makes one folder, mode 0700; exists is an error of its own.
    virtual result<void> make_folder(const file_handle* folder, const std::string& name) = 0;
    virtual result<std::size_t> read(const file_handle& file, std::span<char> into) = 0; // 0 = end
    // Where the next read begins: `at` octets from the start of the file.
    virtual result<void> seek(const file_handle& file, std::uint64_t at) = 0;
    virtual result<std::size_t> write(const file_handle& file, std::string_view bytes) = 0; // may be short
    virtual result<void> sync_data(const file_handle& file) = 0;                            // fdatasync
    virtual result<void> sync_folder(const file_handle& folder) = 0;                        // fsync
    // Lets the disk begin with octets that were written, so that sync_data has less to wait for. A hint, and
    // never a promise.
    virtual void begin_writing(const file_handle& file, std::uint64_t from, std::uint64_t octets) = 0;
    // Whether writes go past the kernel's cache from now on (O_DIRECT). Then offset, size and address of each
    // are multiples of direct_alignment. false: the file system can't.
    virtual bool set_direct(const file_handle& file, bool direct) = 0;
    // Fails with exists when `to` is there (RENAME_NOREPLACE; where that isn't known, a file gets its new
    // name and then loses the old one).
    virtual result<void> rename(const file_handle& from_folder, const std::string& from,
                                const file_handle& to_folder, const std::string& to) = 0;
    virtual result<void> remove(const file_handle& folder, const std::string& name) = 0;
    virtual result<file_facts> facts(const file_handle* folder, const std::string& name) = 0;
    // Names in the folder without "." and ".."; stops early when the visitor says false.
    virtual result<void> list(const file_handle& folder,
                              const std::function<bool(const std::string& name)>& visit) = 0;
    virtual result<std::uint64_t>
    free_bytes(const std::string& path) = 0; // statvfs, for an unprivileged user

    // Writes all of it, through short writes. Not virtual: made of write().
    result<void> write_all(const file_handle& file, std::string_view bytes);
};

// The real one; stateless, lives as long as the program.
file_env& system_files();

} // namespace postern::storage

// A body above inline_body_max while it comes in: a file of its own in <state_dir>/bodies, written as it
// comes. Blocking: called from a worker thread. It belongs to nobody until the queue names it; recovery
// removes files without a record.
#pragma once

#include "storage/direct_writer.hpp"
#include "storage/file_env.hpp"
#include "storage/queue_id.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::storage {

// Where the body of a message lies below <state_dir>/bodies: one character of the id as folder, then the id.
std::string body_path(queue_id id);
// Where the bodies of several lie together (pack_writer.hpp): `first` is one of theirs.
std::string pack_path(queue_id first);
// nullopt: a file of this name, without its folder, is no pack.
std::optional<queue_id> pack_of_name(std::string_view name);
inline constexpr std::size_t body_subfolders = 32;
std::string body_subfolder(std::size_t index); // the name of one of them, index < body_subfolders

enum class spool_use {
    as_it_comes,  // the first of it into the kernel's cache: most messages are delivered at once
    all_in_a_row, // past the cache, where that can be; zeros may follow what was appended
};

class spool_file {
  public:
    // `bodies` is the open folder of all bodies, `path` body_path() or pack_path().
    static result<std::unique_ptr<spool_file>> create(file_env& files, const file_handle& bodies,
                                                      const std::string& path,
                                                      spool_use use = spool_use::as_it_comes);
    ~spool_file(); // not kept: the file is removed

    result<void> append(std::string_view bytes);
    // Flushes the file and its folder; true only after both. After a failure the file is never flushed again.
    result<void> make_durable();
    // All that was appended, open for reading. More may be appended, and is seen too.
    result<file_handle> reader();
    void keep() { kept_ = true; }  // the queue's transaction that names it is durable
    void drop() { kept_ = false; } // it never will be
    std::uint64_t size() const { return size_; }

  private:
    spool_file(file_env& files, file_handle folder, std::string name, file_handle file, spool_use use);
    std::uint64_t cached_max() const;
    result<void> end_direct();
    result<void> append_cached(std::string_view bytes);
    result<void> append_rest(std::string_view bytes);

    file_env& files_; // lives as long as the program
    file_handle folder_;
    std::string name_;
    file_handle file_;
    const spool_use use_;
    std::unique_ptr<direct_writer> past_cache_; // of what is above cached_max(), where that can be
    std::uint64_t size_ = 0, begun_ = 0;        // octets, and how many of them the disk was told of
    bool failed_ = false;
    bool kept_ = false;
};

} // namespace postern::storage

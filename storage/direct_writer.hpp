// The rest of a large file, written past the kernel's cache (O_DIRECT): the cache would be filled with octets
// that are read once, and copying into it is most of what a large message costs. Octets are gathered into
// aligned blocks for it.
#pragma once

#include "storage/file_env.hpp"

#include <memory>

namespace postern::storage {

// Files that are written so at a time; each holds a block. Others are written in the ordinary way.
inline constexpr int direct_writers_max = 64;
inline constexpr std::size_t direct_block_size = 256 * 1024;
inline constexpr std::size_t direct_block_large = 1024 * 1024; // of a file that is written in one go

class direct_writer {
  public:
    // `file` stands at a multiple of direct_alignment and outlives the writer. nullptr when the file system
    // can't, when there are direct_writers_max already, or no memory for one more.
    static std::unique_ptr<direct_writer> begin(file_env& files, const file_handle& file,
                                                std::size_t block_size = direct_block_size);
    ~direct_writer();
    direct_writer(const direct_writer&) = delete;
    direct_writer& operator=(const direct_writer&) = delete;

    result<void> append(std::string_view bytes);
    // Writes what is still gathered. Nothing is appended after it, nor after a failure.
    result<void> finish();
    // The same past the cache too, with zeros up to a multiple of direct_alignment.
    result<void> finish_with_zeros();

  private:
    direct_writer(file_env& files, const file_handle& file, std::unique_ptr<char[]> memory,
                  std::size_t block_size);
    result<void> write_block();

    file_env& files_;
    const file_handle& file_;
    std::unique_ptr<char[]> memory_;
    std::size_t block_size_;
    char* block_; // in memory_, aligned
    std::size_t gathered_ = 0;
    bool direct_ = true;
};

} // namespace postern::storage

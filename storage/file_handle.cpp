#include "storage/file_handle.hpp"

#include <unistd.h>
#include <utility>

namespace postern::storage {

file_handle::file_handle(file_handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

file_handle& file_handle::operator=(file_handle&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

file_handle::~file_handle() { reset(); }

void file_handle::reset() {
    if (fd_ >= 0) ::close(fd_); // Linux: closed even when EINTR is reported, so never retried
    fd_ = -1;
}

int file_handle::release() { return std::exchange(fd_, -1); }

} // namespace postern::storage

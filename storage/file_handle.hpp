// A file descriptor and who closes it.
#pragma once

namespace postern::storage {

// An owned descriptor; closed on destruction (an error of that close is lost: fsync before it).
class file_handle {
  public:
    file_handle() = default;
    explicit file_handle(int fd) : fd_(fd) {}
    file_handle(file_handle&& other) noexcept;
    file_handle& operator=(file_handle&& other) noexcept;
    ~file_handle();
    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void reset();
    int release(); // the caller's from now on

  private:
    int fd_ = -1;
};

} // namespace postern::storage

// Octets as they come, to be looked at as one: in memory up to a megabyte, above that in a file that has no
// name and is mapped.
#pragma once

#include <string>
#include <string_view>

namespace postern::policy::content {

class gathered {
  public:
    // `folder` is borrowed.
    explicit gathered(const std::string& folder) : folder_(folder) {}
    ~gathered();
    gathered(const gathered&) = delete;
    gathered& operator=(const gathered&) = delete;

    // False when there is no room; then and from then on nothing is added.
    bool append(std::string_view octets);
    std::uint64_t size() const { return size_; } // of all that was added
    // What was added, in a view that lives until the next append or the end of this object. It is shorter
    // than size() when there is no room for the last of it, or it can't be mapped.
    std::string_view octets();

  private:
    bool flush();
    bool open();
    void unmap();

    const std::string& folder_;
    std::string memory_;
    std::uint64_t size_ = 0, written_ = 0;
    int file_ = -1;
    void* mapped_ = nullptr;
    std::size_t mapped_size_ = 0;
    bool full_ = false;
};

} // namespace postern::policy::content

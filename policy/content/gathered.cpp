#include "policy/content/gathered.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace postern::policy::content {
namespace {

constexpr std::size_t memory_max = 1024 * 1024;

} // namespace

gathered::~gathered() {
    unmap();
    if (file_ >= 0) ::close(file_);
}

bool gathered::append(std::string_view octets) {
    if (full_) return false;
    if (memory_.size() + octets.size() > memory_max && !flush()) return false;
    size_ += octets.size();
    if (octets.size() > memory_max) {
        while (!octets.empty()) {
            memory_ = octets.substr(0, memory_max);
            octets.remove_prefix(memory_.size());
            if (!flush()) return false;
        }
        return true;
    }
    memory_ += octets;
    return true;
}

// The name is gone at once: whatever ends this process, the file goes with it.
bool gathered::open() {
    const auto name = fmt::format("{}/part-{}-{}", folder_, ::getpid(), static_cast<const void*>(this));
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_ >= 0) ::unlink(name.c_str());
    return file_ >= 0;
}

bool gathered::flush() {
    unmap();
    std::string_view rest = memory_;
    full_ = file_ < 0 && !open();
    while (!full_ && !rest.empty()) {
        const auto written = ::write(file_, rest.data(), rest.size());
        if (written > 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
            written_ += static_cast<std::uint64_t>(written);
        } else if (written == 0 || errno != EINTR) {
            full_ = true;
        }
    }
    memory_.clear();
    return !full_;
}

std::string_view gathered::octets() {
    if (file_ < 0) return memory_;
    if (!memory_.empty()) flush();
    if (mapped_ == nullptr && written_ > 0) {
        void* at = ::mmap(nullptr, written_, PROT_READ, MAP_PRIVATE, file_, 0);
        if (at == MAP_FAILED) return {};
        mapped_ = at;
        mapped_size_ = written_;
    }
    return {static_cast<const char*>(mapped_), mapped_size_};
}

void gathered::unmap() {
    if (mapped_ != nullptr) ::munmap(mapped_, mapped_size_);
    mapped_ = nullptr;
    mapped_size_ = 0;
}

} // namespace postern::policy::content

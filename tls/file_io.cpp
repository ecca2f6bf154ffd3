#include "tls/file_io.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::tls {
namespace {

class file {
  public:
    file(const std::string& path, int flags, unsigned mode = 0)
        : descriptor_(::open(path.c_str(), flags, mode)) {}
    ~file() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    bool is_open() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

boost::system::error_code make_error(int code) { return {code, boost::system::system_category()}; }

result<void> write_all(int descriptor, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno != EINTR) return last_error();
        if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

result<void> write_new_file(const std::string& path, std::string_view content, unsigned mode) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return last_error();
    const file out(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (!out.is_open()) return last_error();
    if (auto written = write_all(out.descriptor(), content); !written) return written;
    if (::fsync(out.descriptor()) != 0) return last_error();
    return {};
}

result<void> flush_folder_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const file folder(parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!folder.is_open() || ::fsync(folder.descriptor()) != 0) return last_error();
    return {};
}

result<std::string> read_all(int descriptor) {
    std::string content;
    char part[4096];
    for (;;) {
        const ssize_t octets = ::read(descriptor, part, sizeof part);
        if (octets == 0) return content;
        if (octets < 0 && errno != EINTR) return last_error();
        if (octets > 0) content.append(part, static_cast<std::size_t>(octets));
        if (content.size() > pem_file_max) return make_error(EFBIG);
    }
}

} // namespace

result<std::string> read_pem_file(const std::string& path) {
    // Without O_NONBLOCK a named pipe would hold us until somebody writes.
    const file in(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (!in.is_open()) return last_error();
    struct stat facts{};
    if (::fstat(in.descriptor(), &facts) != 0) return last_error();
    if (S_ISDIR(facts.st_mode)) return make_error(EISDIR);
    if (!S_ISREG(facts.st_mode)) return make_error(EINVAL);
    return read_all(in.descriptor());
}

result<void> replace_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string beside = path + ".new";
    if (auto written = write_new_file(beside, content, mode); !written) return written;
    if (::rename(beside.c_str(), path.c_str()) != 0) return last_error();
    return flush_folder_of(path);
}

} // namespace postern::tls

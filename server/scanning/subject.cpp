#include "server/scanning/subject.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace postern::server::scanning {

namespace {

// False: errno says why.
bool write_all(int descriptor, std::string_view octets) {
    while (!octets.empty()) {
        const auto written = ::write(descriptor, octets.data(), octets.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

} // namespace

result<storage::file_handle> in_memory(std::span<const std::string> pieces, std::string_view rest) {
    const auto failed = [] { return boost::system::error_code(errno, boost::system::system_category()); };
    storage::file_handle made(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!made.is_open()) return failed();
    for (const auto& piece : pieces)
        if (!write_all(made.get(), piece)) return failed();
    if (!write_all(made.get(), rest)) return failed();
    if (::fcntl(made.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return failed();
    return made;
}

} // namespace postern::server::scanning

#include "server/scanning/subject.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace postern::server::scanning {

result<owned_descriptor> in_memory(std::string_view message) {
    const auto failed = [] { return boost::system::error_code(errno, boost::system::system_category()); };
    owned_descriptor made(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!made.is_open()) return failed();
    while (!message.empty()) {
        const auto written = ::write(made.get(), message.data(), message.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed();
        message.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fcntl(made.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return failed();
    return made;
}

} // namespace postern::server::scanning

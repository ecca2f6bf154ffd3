// Writes in pieces that a pipe takes whole once poll() says it is writable, so that no write blocks without
// an end.
#include "server/log_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr int wait_slice_ms = 100; // how soon a blocked writer sees exchange() or stop_waiting()
constexpr mode_t file_mode = 0640;
// A pipe without a reader must not hold up who opens it.
constexpr int how_opened = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

} // namespace

log_descriptor::~log_descriptor() { ::close(fd_); }

std::shared_ptr<log_descriptor> open_log_descriptor(const std::string& path, std::string& problem) {
    const int fd = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(path.c_str(), how_opened, file_mode);
    if (fd < 0) {
        problem = path + ": " + (errno == ENXIO ? "nobody reads from this pipe" : std::strerror(errno));
        return nullptr;
    }
    return std::make_shared<log_descriptor>(fd);
}

std::shared_ptr<log_descriptor> log_sink::current() const {
    const std::lock_guard lock(guard_);
    return to_;
}

void log_sink::exchange(std::shared_ptr<log_descriptor> to) {
    const std::lock_guard lock(guard_);
    to_.swap(to);
}

bool log_sink::wait_until_writable() const {
    for (;;) {
        const auto to = current();
        pollfd wanted{to->get(), POLLOUT, 0};
        const bool waits = waits_.load();
        const int ready = ::poll(&wanted, 1, waits ? wait_slice_ms : 0);
        if (ready > 0) return true; // an error state too: write() will tell
        if (ready < 0 && errno != EINTR) return false;
        if (!waits) return false;
    }
}

bool log_sink::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!wait_until_writable()) return false;
        const auto to = current();
        const ssize_t count = ::write(to->get(), bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
        torn_ = !bytes.empty();
    }
    return true;
}

void log_sink::write_lines(std::string_view lines, std::size_t count) {
    // The rest of a line that broke off must not stand in front of these.
    const bool mended = !torn_ || write_all("\n");
    if (!mended || !write_all(lines)) lost_.fetch_add(count);
}

} // namespace postern::server

// System calls on the control socket's path, and the client that asks there. The client blocks, with one
// deadline for all of it.
#include "server/admin/control_socket.hpp"

#include "server/admin/control.hpp"

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr mode_t socket_mode = 0660;
constexpr mode_t folder_mode = 0755;
constexpr int backlog = 16;
constexpr std::size_t answer_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds answer_time_max{30};
constexpr int retry_ms = 10;

[[noreturn]] void fail_with(int error, const std::string& path) {
    throw boost::system::system_error(boost::system::error_code(error, boost::system::system_category()),
                                      path);
}

std::optional<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

int open_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

int connect_to(int fd, const sockaddr_un& address) {
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// Removes what an earlier server left. Somebody who listens, and whatever is no socket, stays.
void remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) return;
    if (!S_ISSOCK(facts.st_mode)) fail_with(EEXIST, path);
    const int probe = open_socket();
    if (probe < 0) fail_with(errno, path);
    const int outcome = connect_to(probe, address);
    ::close(probe);
    if (outcome != ECONNREFUSED) fail_with(EADDRINUSE, path); // EAGAIN: alive, and its backlog is full
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_with(errno, path);
}

void make_parent(const std::string& path) {
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty())
        ::mkdir(folder.c_str(), folder_mode); // bind() says what is wrong when this did not help
}

class descriptor {
  public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

using deadline = std::chrono::steady_clock::time_point;

bool wait_for(int fd, short what, deadline until) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
                .count();
        if (left <= 0) return false;
        pollfd wanted{fd, what, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

// A full backlog is EAGAIN, and nothing to poll for: asked again until the deadline.
bool connect_until(int fd, const sockaddr_un& address, deadline until) {
    for (;;) {
        const int outcome = connect_to(fd, address);
        if (outcome != EAGAIN && outcome != EINTR) return outcome == 0;
        if (std::chrono::steady_clock::now() >= until) return false;
        ::poll(nullptr, 0, retry_ms);
    }
}

bool send_all(int fd, std::string_view bytes, deadline until) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count > 0)
            bytes.remove_prefix(static_cast<std::size_t>(count));
        else if (errno != EAGAIN && errno != EINTR)
            return false;
        else if (!wait_for(fd, POLLOUT, until))
            return false;
    }
    return true;
}

// One line, or "" when it does not come, or has no end.
std::string receive_line(int fd, deadline until) {
    std::string line;
    char buffer[4096];
    while (line.size() < answer_max && wait_for(fd, POLLIN, until)) {
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count <= 0) return "";
        line.append(buffer, static_cast<std::size_t>(count));
        if (const auto end = line.find('\n', line.size() - static_cast<std::size_t>(count));
            end != std::string::npos) {
            line.resize(end);
            return line;
        }
    }
    return "";
}

} // namespace

control_listener::control_listener(std::string path) : path_(std::move(path)) {
    const auto address = socket_address(path_);
    if (!address) fail_with(ENAMETOOLONG, path_);
    make_parent(path_);
    remove_stale(path_, *address);
    fd_ = open_socket();
    if (fd_ < 0) fail_with(errno, path_);
    // The mode of the socket before bind() is the mode of the path: at no moment can more users connect.
    const bool bound = ::fchmod(fd_, socket_mode) == 0 &&
                       ::bind(fd_, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0;
    struct stat facts{};
    if (!bound || ::lstat(path_.c_str(), &facts) != 0 || ::chmod(path_.c_str(), socket_mode) != 0 ||
        ::listen(fd_, backlog) != 0) {
        const int error = errno;
        close_descriptor();
        fail_with(error, path_);
    }
    device_ = facts.st_dev;
    inode_ = facts.st_ino;
}

control_listener::~control_listener() {
    close_descriptor();
    struct stat facts{};
    if (::lstat(path_.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == inode_)
        ::unlink(path_.c_str());
}

void control_listener::close_descriptor() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

int control_listener::release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
}

std::string ask_control(const std::string& path, std::string_view request) {
    const auto address = socket_address(path);
    const descriptor socket(open_socket());
    if (!address || socket.get() < 0) return "";
    const deadline until = std::chrono::steady_clock::now() + answer_time_max;
    if (!connect_until(socket.get(), *address, until)) return "";
    const std::string line = std::string(request) + "\n";
    if (!send_all(socket.get(), line, until)) return "";
    return receive_line(socket.get(), until);
}

} // namespace postern::server

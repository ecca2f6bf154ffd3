// A record that holds more than it may, in octets or descriptors, is an error, and what came with it is
// closed.
#include "server/handover_wire.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::server::handover {
using boost::system::error_code;

namespace {

constexpr const char* file_name = "handover.sock";
constexpr std::size_t control_octets = CMSG_SPACE(descriptors_of_record * sizeof(int));

error_code last_error() { return {errno, boost::system::system_category()}; }

// Room for the descriptors of one record, aligned as the kernel wants it.
struct control_room {
    alignas(cmsghdr) std::array<char, control_octets> octets{};
};

std::vector<storage::file_handle> descriptors_in(msghdr& message) {
    std::vector<storage::file_handle> found;
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            found.emplace_back(fd);
        }
    }
    return found;
}

} // namespace

address::address(const std::string& state_dir)
    : folder_(::open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      path_(fmt::format("{}/{}", state_dir, file_name)) {
    auto name = path_;
    if (name.size() >= sizeof name_.sun_path)
        name = fmt::format("/proc/self/fd/{}/{}", folder_.get(), file_name);
    name_.sun_family = AF_UNIX;
    std::memcpy(name_.sun_path, name.data(), name.size());
}

int address::bind(int fd) const {
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&name_), sizeof name_);
}

int address::connect(int fd) const {
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&name_), sizeof name_);
}

void address::remove() const { ::unlinkat(folder_.get(), file_name, 0); }

int open_socket() { return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

error_code send(int fd, std::string_view text, std::span<const int> descriptors) {
    iovec part{const_cast<char*>(text.data()), text.size()}; // which sendmsg() only reads
    control_room control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.octets.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        auto* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
    }
    return ::sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? last_error() : error_code{};
}

boost::system::result<record> receive(int fd) {
    std::array<char, record_max> text;
    iovec part{text.data(), text.size()};
    control_room control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.octets.data();
    message.msg_controllen = control.octets.size();
    const auto count = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return last_error();
    record got{{text.data(), static_cast<std::size_t>(count)}, descriptors_in(message)};
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return make_error_code(boost::system::errc::message_size);
    return got;
}

std::optional<std::size_t> number_after(std::string_view word, std::string_view text) {
    if (!text.starts_with(word)) return std::nullopt;
    text.remove_prefix(word.size());
    std::size_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

} // namespace postern::server::handover

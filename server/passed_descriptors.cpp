#include "server/passed_descriptors.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace postern::server {
using boost::system::error_code;

namespace {

error_code last_error() { return {errno, boost::system::system_category()}; }

// Room for the descriptors of one datagram, aligned as the kernel wants it.
struct control_room {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(passed_descriptors_max * sizeof(int))> octets{};
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

error_code send_passing(int socket, std::string_view octets, std::span<const int> descriptors) {
    iovec part{const_cast<char*>(octets.data()), octets.size()}; // which sendmsg() only reads
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
    ssize_t sent = -1;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? last_error() : error_code{};
}

result<passed_datagram> receive_passed(int socket, std::span<char> room, std::size_t most) {
    iovec part{room.data(), room.size()};
    control_room control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.octets.data();
    // CMSG_LEN, not CMSG_SPACE: the kernel would put one more where the alignment leaves room for it.
    message.msg_controllen = CMSG_LEN(std::min(most, passed_descriptors_max) * sizeof(int));
    ssize_t count = -1;
    do {
        count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return last_error();
    passed_datagram got{static_cast<std::size_t>(count), descriptors_in(message)};
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return make_error_code(boost::system::errc::message_size);
    return got;
}

} // namespace postern::server

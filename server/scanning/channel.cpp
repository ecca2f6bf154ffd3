#include "server/scanning/channel.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::server::scanning {
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t descriptors_max = 8; // of a datagram; all but the first are closed

error_code last_error() { return {errno, boost::system::system_category()}; }

struct control_room {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_max * sizeof(int))> octets{};
};

owned_descriptor first_descriptor(msghdr& message) {
    owned_descriptor found;
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
            owned_descriptor one(descriptor);
            if (!found.is_open()) found = std::move(one);
        }
    }
    return found;
}

// Until the channel is ready for `event`, or its time is over.
error_code await(int channel, short event, steady_clock::time_point by) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - steady_clock::now()).count();
        if (left <= 0) return make_error_code(boost::system::errc::timed_out);
        pollfd what{channel, event, 0};
        const int ready = ::poll(&what, 1, static_cast<int>(std::min<long>(left, 1'000'000'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return last_error();
    }
}

} // namespace

owned_descriptor::~owned_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

result<pair> make_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_error();
    return pair{owned_descriptor(ends[0]), owned_descriptor(ends[1])};
}

error_code send(int channel, std::string_view octets, int descriptor, steady_clock::time_point by) {
    iovec part{const_cast<char*>(octets.data()), octets.size()}; // which sendmsg() only reads
    control_room room;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = room.octets.data();
        message.msg_controllen = CMSG_SPACE(sizeof descriptor);
        auto* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
    }
    for (;;) {
        if (::sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return last_error();
        if (const auto ec = await(channel, POLLOUT, by)) return ec;
    }
}

result<datagram> receive_now(int channel, std::size_t most) {
    datagram got;
    got.octets.resize(most);
    iovec part{got.octets.data(), most};
    control_room room;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.octets.data();
    message.msg_controllen = room.octets.size();
    ssize_t count = -1;
    do {
        count = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return last_error();
    got.with = first_descriptor(message);
    // No datagram of ours is empty: this is the end.
    if (count == 0) return make_error_code(boost::system::errc::not_connected);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return make_error_code(boost::system::errc::message_size);
    got.octets.resize(static_cast<std::size_t>(count));
    return got;
}

result<datagram> receive(int channel, std::size_t most, steady_clock::time_point by) {
    for (;;) {
        auto got = receive_now(channel, most);
        if (got || got.error() != boost::system::errc::resource_unavailable_try_again) return got;
        if (const auto ec = await(channel, POLLIN, by)) return ec;
    }
}

unsigned long control::number() const {
    unsigned long made = 0;
    const auto* end = rest.data() + rest.size();
    const auto [at, failure] = std::from_chars(rest.data(), end, made);
    return failure == std::errc{} && at == end ? made : 0;
}

std::string to_text(const control& what) {
    auto made = what.word;
    if (!what.rest.empty()) made += ' ' + what.rest;
    if (made.size() > control_max) made.resize(control_max);
    return made;
}

control read_control(std::string_view text) {
    const auto gap = text.find(' ');
    if (gap == std::string_view::npos) return {std::string(text), {}};
    return {std::string(text.substr(0, gap)), std::string(text.substr(gap + 1))};
}

} // namespace postern::server::scanning

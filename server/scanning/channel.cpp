#include "server/scanning/channel.hpp"

#include "server/passed_descriptors.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace postern::server::scanning {
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t descriptors_max = 8; // of a datagram; all but the first are closed

error_code last_error() { return {errno, boost::system::system_category()}; }

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

result<pair> make_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_error();
    return pair{storage::file_handle(ends[0]), storage::file_handle(ends[1])};
}

result<storage::file_handle> connect_to(const std::string& path, std::chrono::milliseconds within) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return make_error_code(boost::system::errc::filename_too_long);
    std::memcpy(name.sun_path, path.data(), path.size());
    storage::file_handle made(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const auto count = within.count();
    const timeval patience{count / 1000, count % 1000 * 1000}; // of connect(), too (unix(7))
    if (made.is_open()) ::setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!made.is_open() || ::connect(made.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        return last_error();
    return made;
}

error_code send(int channel, std::string_view octets, int descriptor, steady_clock::time_point by) {
    const auto with = descriptor < 0 ? std::span<const int>() : std::span(&descriptor, 1);
    for (;;) {
        const auto ec = send_passing(channel, octets, with);
        if (ec != boost::system::errc::resource_unavailable_try_again) return ec;
        if (const auto late = await(channel, POLLOUT, by)) return late;
    }
}

result<datagram> receive_now(int channel, std::size_t most) {
    datagram got;
    got.octets.resize(most);
    auto passed = receive_passed(channel, got.octets, descriptors_max);
    if (!passed) return passed.error();
    // No datagram of ours is empty: this is the end.
    if (passed->octets == 0) return make_error_code(boost::system::errc::not_connected);
    got.octets.resize(passed->octets);
    if (!passed->descriptors.empty()) got.with = std::move(passed->descriptors.front());
    return got;
}

result<datagram> receive(int channel, std::size_t most, steady_clock::time_point by) {
    for (;;) {
        if (const auto ec = await(channel, POLLIN, by)) return ec;
        auto got = receive_now(channel, most);
        if (got || got.error() != boost::system::errc::resource_unavailable_try_again) return got;
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

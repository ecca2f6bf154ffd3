// Whoever connects must be the server's own user or root, by what the kernel says. A newcomer that goes away,
// or says nothing for too long, before it says that it goes on, has changed nothing.
#include "server/handover_server.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::server {
namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

namespace {

constexpr auto answer = asio::as_tuple(asio::use_awaitable);
constexpr mode_t socket_mode = 0600;
constexpr int backlog = 4;
constexpr std::chrono::seconds newcomer_time{60}; // it opens its own listeners meanwhile
constexpr std::chrono::milliseconds pause_after_failure{200};
constexpr std::chrono::milliseconds look_pause{5};

bool may_take_over(int fd) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

// One record sent, or one received, as soon as it is possible. A record without text: nothing more comes.
asio::awaitable<error_code> send(stream_descriptor& to, std::string text, std::vector<int> descriptors) {
    auto ec = handover::send(to.native_handle(), text, descriptors);
    while (ec == boost::system::errc::operation_would_block) {
        auto room = to.async_wait(stream_descriptor::wait_write, answer);
        const auto [failed] = co_await std::move(room);
        if (failed) co_return failed;
        ec = handover::send(to.native_handle(), text, descriptors);
    }
    co_return ec;
}

asio::awaitable<std::string> receive(stream_descriptor& from) {
    auto arrival = from.async_wait(stream_descriptor::wait_read, answer);
    const auto [failed] = co_await std::move(arrival);
    if (failed) co_return std::string();
    auto got = handover::receive(from.native_handle());
    co_return got ? std::move(got->text) : std::string();
}

asio::awaitable<error_code> send_sockets(stream_descriptor& to, std::vector<int> all) {
    const std::string text = fmt::format("{}{}", handover::sockets, all.size());
    error_code ec;
    for (std::size_t at = 0; at < all.size() && !ec; at += handover::descriptors_of_record) {
        const auto end = std::min(all.size(), at + handover::descriptors_of_record);
        std::vector<int> some(all.begin() + static_cast<std::ptrdiff_t>(at),
                              all.begin() + static_cast<std::ptrdiff_t>(end));
        auto sending = send(to, text, std::move(some));
        ec = co_await std::move(sending);
    }
    co_return ec;
}

// Its word may have come before its end.
bool is_there(stream_descriptor& newcomer) {
    pollfd asked{newcomer.native_handle(), POLLRDHUP, 0};
    return ::poll(&asked, 1, 0) == 0;
}

asio::awaitable<void> let_go(stream_descriptor& newcomer, handover_target& target) {
    const auto within = target.let_go();
    asio::steady_timer pause(newcomer.get_executor());
    while (target.accepts()) {
        pause.expires_after(look_pause);
        auto waiting = pause.async_wait(answer);
        const auto [cancelled] = co_await std::move(waiting);
        if (cancelled) co_return;
    }
    auto sending = send(newcomer, fmt::format("{}{}", handover::draining, within.count()), {});
    [[maybe_unused]] const auto ec = co_await std::move(sending); // it waits for the lock in any case
}

asio::awaitable<void> serve_newcomer(stream_descriptor& newcomer, handover_target& target) {
    const auto wish = co_await receive(newcomer);
    auto sockets = target.listening_descriptors();
    std::string refusal;
    if (wish != handover::ask)
        refusal = "the running server is of another version: stop it and start this one";
    if (sockets.empty()) refusal = "the running server is about to end: start without --take-over after that";
    if (!refusal.empty()) {
        auto sending = send(newcomer, std::string(handover::refused) + refusal, {});
        [[maybe_unused]] const auto ec = co_await std::move(sending); // it left: nothing to do
        co_return;
    }
    auto giving = send_sockets(newcomer, std::move(sockets));
    const auto ec = co_await std::move(giving);
    if (ec) co_return;
    const auto word = co_await receive(newcomer);
    if (word == handover::go && is_there(newcomer)) co_await let_go(newcomer, target);
}

// Whatever ends it, the next newcomer is served.
asio::awaitable<void> serve_in_time(storage::file_handle accepted, handover_target& target) {
    const auto executor = co_await asio::this_coro::executor;
    const auto newcomer = std::make_shared<stream_descriptor>(executor);
    error_code failed;
    newcomer->assign(accepted.get(), failed);
    if (failed) co_return;
    accepted.release();
    asio::steady_timer deadline(executor, newcomer_time);
    deadline.async_wait([newcomer](error_code ec) {
        if (!ec) newcomer->close(ec);
    });
    co_await serve_newcomer(*newcomer, target);
}

} // namespace

handover_listener::handover_listener(const std::string& state_dir)
    : address_(state_dir), handle_(handover::open_socket()) {
    address_.remove();
    // The mode of the socket before bind() is the mode of the path: at no moment can more users connect.
    if (!handle_.is_open() || ::fchmod(handle_.get(), socket_mode) != 0 ||
        address_.bind(handle_.get()) != 0 || ::listen(handle_.get(), backlog) != 0) {
        problem_ = fmt::format("{}: {}", address_.path(), std::strerror(errno));
        return;
    }
    is_bound_ = true;
}

handover_listener::~handover_listener() {
    if (is_bound_) address_.remove();
}

int handover_listener::release() { return handle_.release(); }

asio::awaitable<void> serve_handover(std::unique_ptr<handover_listener> on, handover_target& target) {
    const auto executor = co_await asio::this_coro::executor;
    stream_descriptor entrance(executor, on->release());
    asio::steady_timer pause(executor);
    for (;;) {
        auto arrival = entrance.async_wait(stream_descriptor::wait_read, answer);
        const auto [ended] = co_await std::move(arrival);
        if (ended) co_return;
        storage::file_handle accepted(
            ::accept4(entrance.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!accepted.is_open()) {
            pause.expires_after(pause_after_failure);
            auto waiting = pause.async_wait(answer);
            const auto [cancelled] = co_await std::move(waiting);
            if (cancelled) co_return;
            continue;
        }
        if (!may_take_over(accepted.get())) continue;
        try {
            co_await serve_in_time(std::move(accepted), target);
        } catch (const std::exception&) { // no memory: it goes without
        }
    }
}

} // namespace postern::server

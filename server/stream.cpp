// The only socket I/O of sessions. One readiness, one try: recv, send and OpenSSL are asked first or after
// Asio's reactor said that the descriptor is ready; async_wait() re-arms the descriptor, so octets left in
// the kernel wake it again. Once TLS has begun nothing is read from or written to the descriptor but by the
// TLS layer, whatever becomes of it.
#include "server/tcp_stream.hpp"

#include "server/awaiting.hpp"
#include "server/reserved_room.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace postern::server {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using socket_type = asio::generic::stream_protocol::socket;

constexpr auto outcome_token = asio::as_tuple(asio::use_awaitable);

// After so many reads or writes in a row without a wait, the other sessions of the thread get their turn.
constexpr unsigned turns_in_a_row = 16;
// What close() takes from a peer that still talks, so that the kernel doesn't answer it with a reset that
// destroys our last reply.
constexpr std::size_t farewell_drain = std::size_t{256} * 1024;
// Before peeking again when the kernel woke us without news (short of memory it ignores SO_RCVLOWAT).
constexpr std::chrono::milliseconds peek_pause{20};

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// recv and send that a signal doesn't end; they never wait.
ssize_t receive(int descriptor, std::span<char> into, int flags) {
    for (;;) {
        const ssize_t octets = ::recv(descriptor, into.data(), into.size(), flags | MSG_DONTWAIT);
        if (octets >= 0 || errno != EINTR) return octets;
    }
}

ssize_t transmit(int descriptor, std::string_view bytes, int flags) {
    for (;;) {
        const ssize_t octets =
            ::send(descriptor, bytes.data(), bytes.size(), flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (octets >= 0 || errno != EINTR) return octets;
    }
}

// How the peer's side stands: ok while it may still send. Octets in the queue hide an end from
// recv(MSG_PEEK).
stream_status state_of_peer(int descriptor) {
    pollfd state{descriptor, POLLRDHUP, 0};
    if (::poll(&state, 1, 0) <= 0) return stream_status::ok;
    if ((state.revents & (POLLERR | POLLNVAL)) != 0) return stream_status::failed;
    return (state.revents & (POLLRDHUP | POLLHUP)) != 0 ? stream_status::end : stream_status::ok;
}

// While it lives the descriptor counts as readable only from `octets` on.
class readable_from {
  public:
    readable_from(int descriptor, std::size_t octets) : descriptor_(descriptor) {
        set(static_cast<int>(octets));
    }
    ~readable_from() { set(1); }
    readable_from(const readable_from&) = delete;
    readable_from& operator=(const readable_from&) = delete;

  private:
    void set(int octets) { ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVLOWAT, &octets, sizeof octets); }
    int descriptor_;
};

class tcp_stream final : public stream {
  public:
    tcp_stream(socket_type socket, thread_buffers& buffers) : socket_(std::move(socket)), buffers_(buffers) {
        boost::system::error_code ignored; // a connection that is gone already says so at the first read
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    awaitable<stream_status> read(taker& into) override;
    using stream::write;
    awaitable<stream_status> write(std::string_view bytes, after then) override;
    bool has_unread_input() override;
    awaitable<read_outcome> peek(std::span<char> into, std::size_t beyond) override;
    stream_status skip(std::size_t octets) override;
    awaitable<stream_status> start_tls(std::unique_ptr<tls::connection> layer) override;
    const tls::connection* tls_layer() const override { return tls_.get(); }
    int descriptor() const override { return handle(); }
    awaitable<stream_status> pause(std::chrono::milliseconds time) override;
    void cancel() override;
    void uncancel() override { cancelled_ = false; }
    void close() override;
    void close_with(std::string_view last_words) override;

  private:
    // One try: how it went, and whether it has to be repeated after a wait.
    enum class step { done, wait_read, wait_write, end, failed };
    struct attempt {
        step how = step::failed;
        std::size_t octets = 0;
    };

    // mutable in Asio's eyes only
    int handle() const { return const_cast<socket_type&>(socket_).native_handle(); }
    bool is_usable() const { return is_readable() && !half_written_; }
    bool is_readable() const { return socket_.is_open() && !broken_; }
    attempt try_read();
    attempt try_write(std::string_view bytes, after then);
    attempt try_peek(std::span<char> into);
    static step step_of(tls::io_status status);
    awaitable<stream_status> wait(step what);
    awaitable<void> give_way();
    awaitable<stream_status> wait_beyond(std::size_t seen, std::size_t beyond);

    socket_type socket_;
    thread_buffers& buffers_;               // the thread keeps it
    std::unique_ptr<tls::connection> tls_;  // after socket_: it dies first
    asio::steady_timer* pausing_ = nullptr; // in the frame of pause()
    unsigned turns_ = 0;
    bool maybe_more_ = false; // recv may find something without a wait: the last one filled the buffer
    bool cancelled_ = false;
    // A handshake or a write stopped half-way: what followed would mean something else to the peer. Behind a
    // write it can still be heard.
    bool broken_ = false;
    bool half_written_ = false;
};

tcp_stream::step tcp_stream::step_of(tls::io_status status) {
    switch (status) {
    case tls::io_status::done: return step::done;
    case tls::io_status::want_read: return step::wait_read;
    case tls::io_status::want_write: return step::wait_write;
    case tls::io_status::closed: return step::end;
    case tls::io_status::failed: return step::failed;
    }
    return step::failed;
}

awaitable<stream_status> tcp_stream::wait(step what) {
    if (cancelled_) co_return stream_status::cancelled;
    turns_ = 0;
    const auto readiness = what == step::wait_read ? socket_type::wait_read : socket_type::wait_write;
    reserved_room room; // its operation owns this frame
    auto waiting = socket_.async_wait(readiness, in_room(room, outcome_token));
    const auto [error] = co_await std::move(waiting);
    if (cancelled_ || error == asio::error::operation_aborted) co_return stream_status::cancelled;
    co_return error ? stream_status::failed : stream_status::ok;
}

awaitable<void> tcp_stream::give_way() {
    turns_ = 0;
    std::function<void(resumer)> resume_at_once = [](const resumer& resume) { resume({}); };
    co_await suspend_until(std::move(resume_at_once));
}

tcp_stream::attempt tcp_stream::try_read() {
    const std::span<char> into(buffers_.input);
    if (tls_) {
        const tls::io_outcome outcome = tls_->read(into);
        return {step_of(outcome.status), outcome.octets};
    }
    const bool worth_trying = std::exchange(maybe_more_, true); // at the latest after the wait
    if (!worth_trying) return {step::wait_read, 0};
    const ssize_t octets = receive(handle(), into, 0);
    if (octets < 0 && would_block(errno)) return {step::wait_read, 0};
    if (octets < 0) return {step::failed, 0};
    if (octets == 0) return {step::end, 0};
    const auto size = static_cast<std::size_t>(octets);
    maybe_more_ = size == into.size();
    return {step::done, size};
}

awaitable<stream_status> tcp_stream::read(taker& into) {
    if (turns_ >= turns_in_a_row) co_await give_way();
    for (;;) {
        if (cancelled_) co_return stream_status::cancelled;
        if (!is_readable()) co_return stream_status::failed;
        const attempt got = try_read();
        switch (got.how) {
        case step::done:
            ++turns_;
            into.on_input({buffers_.input.data(), got.octets});
            co_return stream_status::ok;
        case step::end: co_return stream_status::end;
        case step::failed: co_return stream_status::failed;
        case step::wait_read:
        case step::wait_write: break;
        }
        const stream_status waited = co_await wait(got.how);
        if (waited != stream_status::ok) co_return waited;
    }
}

tcp_stream::attempt tcp_stream::try_write(std::string_view bytes, after then) {
    if (tls_) {
        const tls::io_outcome outcome = tls_->write(bytes);
        return {step_of(outcome.status), outcome.octets};
    }
    const ssize_t octets = transmit(handle(), bytes, then == after::close ? MSG_MORE : 0);
    if (octets >= 0) return {step::done, static_cast<std::size_t>(octets)};
    return {would_block(errno) ? step::wait_write : step::failed, 0};
}

awaitable<stream_status> tcp_stream::write(std::string_view bytes, after then) {
    if (cancelled_) co_return stream_status::cancelled;
    if (!is_usable()) co_return stream_status::failed;
    half_written_ = true; // until all of it is out
    while (!bytes.empty()) {
        if (turns_++ >= turns_in_a_row) co_await give_way();
        if (cancelled_) co_return stream_status::cancelled;
        if (!socket_.is_open()) co_return stream_status::failed;
        const attempt sent = try_write(bytes, then);
        switch (sent.how) {
        case step::done: bytes.remove_prefix(sent.octets); continue;
        case step::end:
        case step::failed: co_return stream_status::failed;
        case step::wait_read:
        case step::wait_write: break;
        }
        const stream_status waited = co_await wait(sent.how);
        if (waited != stream_status::ok) co_return waited;
    }
    half_written_ = false;
    co_return stream_status::ok;
}

bool tcp_stream::has_unread_input() {
    if (!is_usable()) return false;
    if (tls_ && tls_->has_decrypted_input()) return true;
    int octets = 0;
    return ::ioctl(handle(), FIONREAD, &octets) == 0 && octets > 0;
}

tcp_stream::attempt tcp_stream::try_peek(std::span<char> into) {
    const ssize_t octets = receive(handle(), into, MSG_PEEK);
    if (octets < 0) return {would_block(errno) ? step::wait_read : step::failed, 0};
    return {octets == 0 ? step::end : step::done, static_cast<std::size_t>(octets)};
}

awaitable<stream::read_outcome> tcp_stream::peek(std::span<char> into, std::size_t beyond) {
    for (;;) {
        if (cancelled_) co_return read_outcome{stream_status::cancelled, 0};
        if (!is_usable() || tls_ || beyond >= into.size()) co_return read_outcome{stream_status::failed, 0};
        const attempt seen = try_peek(into);
        if (seen.how == step::failed) co_return read_outcome{stream_status::failed, 0};
        if (seen.how == step::end) co_return read_outcome{stream_status::end, 0};
        if (seen.octets > beyond) co_return read_outcome{stream_status::ok, seen.octets};
        const stream_status waited = co_await wait_beyond(seen.octets, beyond);
        if (waited != stream_status::ok) co_return read_outcome{waited, seen.octets};
    }
}

// Ok when there is more than was `seen`. What is only peeked at stays readable: without the low-water mark
// the wait would end at once, again and again. With it an event from before the mark can still end one wait.
awaitable<stream_status> tcp_stream::wait_beyond(std::size_t seen, std::size_t beyond) {
    const readable_from mark(handle(), beyond + 1);
    for (bool woken_in_vain = false;; woken_in_vain = true) {
        const stream_status waited = co_await wait(step::wait_read);
        if (waited != stream_status::ok) co_return waited;
        int octets = 0;
        if (::ioctl(handle(), FIONREAD, &octets) != 0) co_return stream_status::failed;
        if (std::cmp_greater(octets, seen)) co_return stream_status::ok;
        const stream_status peer = state_of_peer(handle());
        if (peer != stream_status::ok) co_return peer;
        if (!woken_in_vain) continue;
        const stream_status paused = co_await pause(peek_pause);
        if (paused != stream_status::ok) co_return paused;
    }
}

stream_status tcp_stream::skip(std::size_t octets) {
    if (!is_usable() || tls_) return stream_status::failed;
    while (octets > 0) {
        const std::span<char> into(buffers_.input.data(), std::min(octets, buffers_.input.size()));
        const ssize_t taken = receive(handle(), into, 0);
        if (taken <= 0) return stream_status::failed;
        octets -= static_cast<std::size_t>(taken);
    }
    maybe_more_ = true; // peek may have seen what stands behind the header
    return stream_status::ok;
}

awaitable<stream_status> tcp_stream::start_tls(std::unique_ptr<tls::connection> layer) {
    if (!is_usable() || tls_ || !layer) co_return stream_status::failed;
    tls_ = std::move(layer);
    broken_ = true; // until the handshake is done
    for (;;) {
        if (cancelled_) co_return stream_status::cancelled;
        if (!socket_.is_open()) co_return stream_status::failed;
        const step how = step_of(tls_->handshake());
        if (how == step::done) break;
        if (how == step::end || how == step::failed) co_return stream_status::failed;
        const stream_status waited = co_await wait(how);
        if (waited != stream_status::ok) co_return waited;
    }
    broken_ = false;
    co_return stream_status::ok;
}

awaitable<stream_status> tcp_stream::pause(std::chrono::milliseconds time) {
    if (cancelled_) co_return stream_status::cancelled;
    turns_ = 0;
    asio::steady_timer timer(socket_.get_executor(), time);
    pausing_ = &timer;
    reserved_room room;
    auto waiting = timer.async_wait(in_room(room, outcome_token));
    const auto [error] = co_await std::move(waiting);
    pausing_ = nullptr;
    co_return cancelled_ || error ? stream_status::cancelled : stream_status::ok;
}

void tcp_stream::cancel() {
    cancelled_ = true;
    boost::system::error_code ignored; // not open: no wait to wake
    socket_.cancel(ignored);
    if (pausing_ != nullptr) pausing_->cancel();
}

void tcp_stream::close_with(std::string_view last_words) {
    if (is_usable()) (void)try_write(last_words, after::more);
    close();
}

void tcp_stream::close() {
    if (!socket_.is_open()) return;
    if (tls_) tls_->shutdown();
    ::shutdown(handle(), SHUT_WR);
    std::size_t drained = 0;
    while (drained < farewell_drain) {
        const ssize_t octets = receive(handle(), std::span<char>(buffers_.input), 0);
        if (octets <= 0) break;
        drained += static_cast<std::size_t>(octets);
    }
    boost::system::error_code ignored; // the descriptor is gone either way
    socket_.close(ignored);
}

} // namespace

std::unique_ptr<stream> make_stream(boost::asio::generic::stream_protocol::socket socket,
                                    thread_buffers& buffers) {
    return std::make_unique<tcp_stream>(std::move(socket), buffers);
}

} // namespace postern::server

// The only socket I/O of sessions. One readiness, one try: recv, send and OpenSSL are asked first, or after
// the poller had news of the descriptor; it tells of news only once, so a wait follows EAGAIN alone. Once TLS
// has begun nothing is read from or written to the descriptor but by the TLS layer, whatever becomes of it.
#include "server/tcp_stream.hpp"

#include "server/awaiting.hpp"
#include "server/poller.hpp"
#include "server/reserved_room.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/execution/context.hpp>
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
    tcp_stream(poller& loop, storage::file_handle socket, thread_buffers& buffers)
        : loop_(loop), socket_(std::move(socket)), news_(loop, socket_.get()), buffers_(buffers) {}

    bool can_wait() const { return news_.is_registered(); }
    awaitable<stream_status> read(taker& into) override;
    using stream::write;
    awaitable<stream_status> write(std::string_view bytes, after then) override;
    bool has_unread_input() override;
    awaitable<read_outcome> peek(std::span<char> into, std::size_t beyond) override;
    stream_status skip(std::size_t octets) override;
    awaitable<stream_status> start_tls(std::unique_ptr<tls::connection> layer) override;
    const tls::connection* tls_layer() const override { return tls_.get(); }
    int descriptor() const override { return socket_.get(); }
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

    bool is_usable() const { return is_readable() && !half_written_; }
    bool is_readable() const { return socket_.is_open() && !broken_; }
    attempt try_read();
    attempt try_write(std::string_view bytes, after then);
    attempt try_peek(std::span<char> into);
    static step step_of(tls::io_status status);
    awaitable<stream_status> wait(step what);
    awaitable<void> give_way();
    awaitable<stream_status> wait_beyond(std::size_t seen, std::size_t beyond);

    poller& loop_;
    storage::file_handle socket_;
    polled news_;                           // of socket_, after which it stands
    thread_buffers& buffers_;               // the thread keeps it
    std::unique_ptr<tls::connection> tls_;  // after socket_: it dies first
    asio::steady_timer* pausing_ = nullptr; // in the frame of pause()
    unsigned turns_ = 0;
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

// After a try that said so: whoever calls has looked whether it was cancelled.
awaitable<stream_status> tcp_stream::wait(step what) {
    turns_ = 0;
    return news_.wait(what == step::wait_read ? polled::until::readable : polled::until::writable);
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
    if (!news_.may_have_input()) return {step::wait_read, 0};
    const ssize_t octets = receive(socket_.get(), into, 0);
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(octets, 0));
    news_.note_read(size, into.size());
    if (octets < 0 && would_block(errno)) return {step::wait_read, 0};
    if (octets < 0) return {step::failed, 0};
    return {octets == 0 ? step::end : step::done, size};
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
    const ssize_t octets = transmit(socket_.get(), bytes, then == after::close ? MSG_MORE : 0);
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
    return ::ioctl(socket_.get(), FIONREAD, &octets) == 0 && octets > 0;
}

tcp_stream::attempt tcp_stream::try_peek(std::span<char> into) {
    const ssize_t octets = receive(socket_.get(), into, MSG_PEEK);
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

// Ok when there may be more than was `seen`. What is only peeked at stays readable: without the low-water
// mark the wait would end at once, again and again. With it an event from before the mark can still end one
// wait.
awaitable<stream_status> tcp_stream::wait_beyond(std::size_t seen, std::size_t beyond) {
    const readable_from mark(socket_.get(), beyond + 1);
    for (bool woken_in_vain = false;; woken_in_vain = true) {
        const stream_status waited = co_await wait(step::wait_read);
        if (waited != stream_status::ok) co_return waited;
        int octets = 0;
        if (::ioctl(socket_.get(), FIONREAD, &octets) != 0) co_return stream_status::failed;
        if (std::cmp_greater(octets, seen)) co_return stream_status::ok;
        const stream_status peer = state_of_peer(socket_.get());
        if (peer != stream_status::ok) co_return peer;
        if (!woken_in_vain) continue;
        co_return co_await pause(peek_pause); // what came meanwhile was told of already: it is looked at
    }
}

stream_status tcp_stream::skip(std::size_t octets) {
    if (!is_usable() || tls_) return stream_status::failed;
    while (octets > 0) {
        const std::span<char> into(buffers_.input.data(), std::min(octets, buffers_.input.size()));
        const ssize_t taken = receive(socket_.get(), into, 0);
        if (taken <= 0) return stream_status::failed;
        octets -= static_cast<std::size_t>(taken);
    }
    news_.note_input(); // peek may have seen what stands behind the header
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
    asio::steady_timer timer(loop_.executor(), time);
    pausing_ = &timer;
    reserved_room room;
    auto waiting = timer.async_wait(in_room(room, outcome_token));
    const auto [error] = co_await std::move(waiting);
    pausing_ = nullptr;
    co_return cancelled_ || error ? stream_status::cancelled : stream_status::ok;
}

void tcp_stream::cancel() {
    cancelled_ = true;
    news_.cancel();
    if (pausing_ != nullptr) pausing_->cancel();
}

void tcp_stream::close_with(std::string_view last_words) {
    if (is_usable()) (void)try_write(last_words, after::more);
    close();
}

void tcp_stream::close() {
    if (!socket_.is_open()) return;
    if (tls_) tls_->shutdown();
    for (std::size_t drained = 0; drained < farewell_drain;) {
        const ssize_t octets = receive(socket_.get(), std::span<char>(buffers_.input), 0);
        if (octets <= 0) break;
        // It still talks: what we wrote last must be out before a reset may destroy it.
        if (drained == 0) ::shutdown(socket_.get(), SHUT_WR);
        drained += static_cast<std::size_t>(octets);
    }
    news_.end();
    socket_.reset(); // with nothing unread it ends in order, behind what was written
}

} // namespace

std::unique_ptr<stream> make_stream(asio::io_context& loop, storage::file_handle socket,
                                    thread_buffers& buffers) {
    auto made = std::make_unique<tcp_stream>(poller::of(loop), std::move(socket), buffers);
    return made->can_wait() ? std::move(made) : nullptr;
}

std::unique_ptr<stream> make_stream(asio::generic::stream_protocol::socket socket, thread_buffers& buffers) {
    boost::system::error_code ignored; // a connection that is gone already says so at the first read
    socket.native_non_blocking(true, ignored);
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    auto& loop = asio::query(socket.get_executor(), asio::execution::context);
    storage::file_handle released(socket.release(ignored));
    return make_stream(static_cast<asio::io_context&>(loop), std::move(released), buffers);
}

} // namespace postern::server

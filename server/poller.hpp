// The waits of a loop's streams, in place of Asio's: Asio asks the kernel anew for each wait, and takes
// memory for it. Here a descriptor is registered once (epoll, edge-triggered), and a wait is a note in its
// `polled`. All of it on the loop's thread.
#pragma once

#include "server/stream.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>

namespace postern::server {

class poller;

// One descriptor among those of a loop. Ends before the descriptor is closed, and before the loop.
class polled
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  public:
    enum class until : std::uint8_t { readable, writable };

    polled(poller& by, int descriptor);
    ~polled();
    polled(const polled&) = delete;
    polled& operator=(const polled&) = delete;

    // False: the kernel has no room for it, and every wait fails.
    bool is_registered() const { return is_registered_; }
    // Whether a read may find something that no wait has to tell of: octets, an end or an error.
    bool may_have_input() const { return may_have_input_ || has_ended_; }
    void note_input() { may_have_input_ = true; }
    // What a read for so many octets got; 0 = EAGAIN. Less than it had room for means that there is no more,
    // but behind urgent octets, at which the kernel stops (RFC 6093 §3.2).
    void note_read(std::size_t octets, std::size_t room) {
        may_have_input_ = octets == room || (octets != 0 && reads_may_stop_short_);
    }

    // Ends with the next news of that kind, and of an error: the last try must have said EAGAIN, or the news
    // may have been told already. One wait at a time. ok, failed, cancelled.
    boost::asio::awaitable<stream_status> wait(until what);
    void cancel(); // the wait that is under way; it ends later, from the loop
    // The descriptor is about to be closed: cancels too, and later waits fail. Who waits goes on only if this
    // still lives then.
    void end();

  private:
    friend class poller;
    using handler =
        boost::asio::async_result<boost::asio::use_awaitable_t<>, void(stream_status)>::handler_type;
    void begin(until what, handler waiting);
    bool tell_kernel(int what, std::uint32_t events); // EPOLL_CTL_...; false: it said no
    bool watch_writing();
    void forget();

    poller& by_;
    std::optional<handler> waiting_; // in one of the poller's lists as long as there is one
    int descriptor_;
    until wanted_ = until::readable;
    stream_status answer_ = stream_status::ok;
    bool is_registered_ = false;
    bool watches_writing_ = false; // from the first wait for it: most never have one
    bool may_have_input_ = false;
    bool reads_may_stop_short_ = false; // the peer has sent urgent octets
    bool has_ended_ = false;            // what the peer sends: no more news will come
};

// A service of an io_context, so that a loop that goes destroys who still waits.
class poller final : public boost::asio::execution_context::service {
  public:
    using key_type = poller;
    static boost::asio::execution_context::id id;

    explicit poller(boost::asio::execution_context& loop); // an io_context
    ~poller() override;
    // Made at the first question, which throws boost::system::system_error when no descriptor is left.
    static poller& of(boost::asio::io_context& loop);
    boost::asio::io_context::executor_type executor();

  private:
    friend class polled;
    struct impl;
    void shutdown() override;
    std::unique_ptr<impl> impl_;
};

} // namespace postern::server

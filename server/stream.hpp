// A connected socket, plain or TLS, for one coroutine at a time. The buffer to read into is lent by the
// thread for the moment of the read, so that an idle session holds none. A deadline (deadlines.hpp) ends any
// wait by calling cancel().
#pragma once

#include "protocol/net/ip_address.hpp"
#include "tls/connection.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>

namespace postern::server {

enum class stream_status {
    ok,
    end,       // the peer closed in order
    cancelled, // cancel() was called
    failed,    // reset, TLS error, anything else
};

class stream {
  public:
    virtual ~stream() = default;

    struct read_outcome {
        stream_status status = stream_status::failed;
        std::size_t octets = 0;
    };
    // Waits until something can be read, then calls `take` once with the thread's buffer holding it. `take`
    // must not suspend and must not keep the span.
    class taker {
      public:
        virtual ~taker() = default;
        virtual void on_input(std::string_view bytes) = 0;
    };
    virtual boost::asio::awaitable<stream_status> read(taker& into) = 0;
    // All of it; the bytes outlive the await. With close() right after them, the last octets and the end of a
    // plain connection are one packet.
    enum class after { more, close };
    virtual boost::asio::awaitable<stream_status> write(std::string_view bytes, after then) = 0;
    boost::asio::awaitable<stream_status> write(std::string_view bytes) { return write(bytes, after::more); }
    // Octets that the peer sent and nobody has read yet (pre-greeting talkers). Never blocks, consumes
    // nothing.
    virtual bool has_unread_input() = 0;
    // The first octets without consuming them (PROXY headers), at most into.size(); waits for the first one,
    // or for more than `beyond`.
    virtual boost::asio::awaitable<read_outcome> peek(std::span<char> into, std::size_t beyond) = 0;
    virtual stream_status skip(std::size_t octets) = 0; // consumes exactly what peek() showed
    // The connection becomes TLS (server side); returns after the handshake. On failure nothing more may be
    // sent.
    virtual boost::asio::awaitable<stream_status> start_tls(std::unique_ptr<tls::connection> layer) = 0;
    virtual const tls::connection* tls_layer() const = 0; // null when plain
    virtual int descriptor() const = 0;
    virtual boost::asio::awaitable<stream_status> pause(std::chrono::milliseconds time) = 0;
    virtual void cancel() = 0;   // wakes the one wait that is under way, and every later one
    virtual void uncancel() = 0; // waits work again: a farewell can be written under a new deadline
    virtual void close() = 0;    // TLS close_notify if it can go at once, then the socket
    virtual void close_with(std::string_view last_words) = 0; // those too, if they can go at once
};

} // namespace postern::server

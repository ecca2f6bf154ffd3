// A connection to a server that mail is handed to.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"
#include "server/tcp_stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>

namespace postern::server {

struct connected {
    std::unique_ptr<stream> wire;
    conf::next_hop at;
};
inline constexpr std::chrono::milliseconds head_start{250}; // RFC 8305 §5

// Connected within the time, or the error: timed_out and what connect(2) says. Where there is `also`, an
// address of another kind of the same host, it is tried as well once the first has failed or has had its head
// start, and the one that answers first is it. `buffers` outlives the stream.
boost::asio::awaitable<result<connected>> connect_to(conf::next_hop where, std::optional<conf::endpoint> also,
                                                     std::chrono::seconds within, thread_buffers& buffers);

// Opens and connects; the caller bounds the time by closing the socket, which is timed_out then.
boost::asio::awaitable<boost::system::error_code>
connect_socket(conf::next_hop where, boost::asio::generic::stream_protocol::socket& socket);

} // namespace postern::server

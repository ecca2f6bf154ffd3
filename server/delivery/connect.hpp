// A connection to a server that mail is handed to.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"
#include "server/tcp_stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace postern::server {

// Connected within the time, or the error: timed_out and what connect(2) says. `buffers` outlives the stream.
boost::asio::awaitable<result<std::unique_ptr<stream>>>
connect_to(const conf::next_hop& where, std::chrono::seconds within, thread_buffers& buffers);

// Opens and connects; the caller bounds the time by closing the socket, which is timed_out then.
boost::asio::awaitable<boost::system::error_code>
connect_socket(conf::next_hop where, boost::asio::generic::stream_protocol::socket& socket);

} // namespace postern::server

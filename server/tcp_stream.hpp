// Makes a stream of a connected socket, TCP or of the file system. Apart from stream.hpp, so that only the
// listener and stream.cpp see sockets.
#pragma once

#include "server/stream.hpp"
#include "storage/file_handle.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <vector>

namespace postern::server {

// What the streams of one io_context read into, one after the other: one per thread, and it outlives them.
struct thread_buffers {
    static constexpr std::size_t input_size = std::size_t{64} * 1024;
    std::vector<char> input = std::vector<char>(input_size); // never empty
};

// Of a loop's connection, which is non-blocking and, where there is one, has TCP_NODELAY. Null when the
// kernel can't watch one more (epoll(7), max_user_watches); throws as poller::of() does. Only
// stream::cancel() ends a wait: the coroutine that uses the stream is not to be cancelled by Asio's
// cancellation signals.
std::unique_ptr<stream> make_stream(boost::asio::io_context& loop, storage::file_handle socket,
                                    thread_buffers& buffers);
// The same of a connection that Asio made, on an io_context. A tcp::socket converts by itself.
std::unique_ptr<stream> make_stream(boost::asio::generic::stream_protocol::socket socket,
                                    thread_buffers& buffers);

} // namespace postern::server

// The timer only closes the socket, so that the one wait ends by itself.
#include "server/delivery/connect.hpp"

#include "server/close_on_exec.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace postern::server {
namespace asio = boost::asio;
using generic = asio::generic::stream_protocol;

namespace {

generic::endpoint endpoint_of(const conf::next_hop& where) {
    if (!where.path.empty()) return asio::local::stream_protocol::endpoint(where.path);
    const auto bytes = where.address.address.bytes();
    if (where.address.address.is_v4()) {
        asio::ip::address_v4::bytes_type four{};
        std::copy(bytes.begin(), bytes.end(), four.begin());
        return asio::ip::tcp::endpoint(asio::ip::address_v4(four), where.address.port);
    }
    asio::ip::address_v6::bytes_type sixteen{};
    std::copy(bytes.begin(), bytes.end(), sixteen.begin());
    return asio::ip::tcp::endpoint(asio::ip::address_v6(sixteen), where.address.port);
}

} // namespace

asio::awaitable<boost::system::error_code> connect_socket(conf::next_hop where, generic::socket& socket) {
    const auto endpoint = endpoint_of(where);
    boost::system::error_code opened;
    socket.open(endpoint.protocol(), opened);
    if (opened) co_return opened;
    close_on_exec(socket.native_handle());
    auto connecting = socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    auto [ec] = co_await std::move(connecting);
    if (ec == asio::error::operation_aborted) ec = asio::error::timed_out;
    if (!ec && !socket.is_open()) ec = asio::error::timed_out;
    co_return ec;
}

asio::awaitable<result<std::unique_ptr<stream>>>
connect_to(const conf::next_hop& where, std::chrono::seconds within, thread_buffers& buffers) {
    const auto here = co_await asio::this_coro::executor;
    auto socket = std::make_shared<generic::socket>(here);
    asio::steady_timer timer(here, within);
    timer.async_wait([weak = std::weak_ptr(socket)](boost::system::error_code ec) {
        boost::system::error_code ignored;
        if (const auto late = weak.lock(); late && !ec) late->close(ignored);
    });
    const auto ec = co_await connect_socket(where, *socket);
    timer.cancel();
    if (ec) co_return ec;
    co_return make_stream(std::move(*socket), buffers);
}

} // namespace postern::server

// The timer only closes the socket, so that the one wait ends by itself.
#include "server/delivery/connect.hpp"

#include "server/close_on_exec.hpp"

#include <algorithm>
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

namespace {

// The tries that are under way, at most two; kept by their handlers.
struct race {
    explicit race(const asio::any_io_executor& on) : first(on), second(on), over(on) {}

    void begin(const std::shared_ptr<race>& self, generic::socket& socket, const conf::next_hop& where) {
        const auto endpoint = endpoint_of(where);
        boost::system::error_code opened;
        socket.open(endpoint.protocol(), opened);
        if (opened) return lose(opened);
        close_on_exec(socket.native_handle());
        ++running;
        socket.async_connect(endpoint, [self, &socket](boost::system::error_code ec) {
            --self->running;
            if (self->winner != nullptr) return;
            if (ec || !socket.is_open()) return self->lose(ec);
            self->winner = &socket;
            self->over.cancel();
        });
    }
    void lose(boost::system::error_code ec) {
        if (!trouble || ec != asio::error::operation_aborted) trouble = ec;
        over.cancel();
    }
    // Until something came of a try, or this time.
    asio::awaitable<void> wait(std::chrono::steady_clock::time_point until) {
        over.expires_at(until);
        (void)co_await over.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    generic::socket first, second;
    asio::steady_timer over;
    generic::socket* winner = nullptr;
    std::size_t running = 0;
    boost::system::error_code trouble; // of the last that failed
};

} // namespace

asio::awaitable<result<connected>> connect_to(conf::next_hop where, std::optional<conf::endpoint> also,
                                              std::chrono::seconds within, thread_buffers& buffers) {
    const auto here = co_await asio::this_coro::executor;
    const auto last = std::chrono::steady_clock::now() + within;
    const auto tries = std::make_shared<race>(here);
    tries->begin(tries, tries->first, where);
    if (also && tries->running != 0)
        co_await tries->wait(std::min(last, std::chrono::steady_clock::now() + head_start));
    if (also && tries->winner == nullptr) tries->begin(tries, tries->second, {{}, *also});
    while (tries->winner == nullptr && tries->running != 0 && std::chrono::steady_clock::now() < last)
        co_await tries->wait(last);
    boost::system::error_code ignored;
    if (tries->winner != &tries->first) tries->first.close(ignored);
    if (tries->winner != &tries->second) tries->second.close(ignored);
    if (tries->winner == nullptr && tries->running != 0) co_return make_error_code(asio::error::timed_out);
    if (tries->winner == nullptr) co_return tries->trouble;
    const bool is_other = tries->winner == &tries->second;
    auto wire = make_stream(std::move(*tries->winner), buffers);
    if (!wire) co_return make_error_code(boost::system::errc::no_space_on_device);
    co_return connected{std::move(wire), is_other ? conf::next_hop{{}, *also} : std::move(where)};
}

} // namespace postern::server

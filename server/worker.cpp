// The accept loop never ends for a reason of one connection: out of descriptors, it pauses and goes on.
#include "server/worker.hpp"

#include "server/close_on_exec.hpp"
#include "server/tcp_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

namespace postern::server {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto answer = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_pause{100};
using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

tcp::endpoint to_asio(const conf::endpoint& from) {
    const auto bytes = from.address.bytes();
    if (from.address.is_v4()) {
        asio::ip::address_v4::bytes_type raw{};
        std::copy(bytes.begin(), bytes.end(), raw.begin());
        return {asio::ip::address_v4(raw), from.port};
    }
    asio::ip::address_v6::bytes_type raw{};
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    return {asio::ip::address_v6(raw), from.port};
}

protocol::ip_address from_asio(const asio::ip::address& from) {
    if (from.is_v4()) return protocol::ip_address::v4(from.to_v4().to_bytes());
    return protocol::ip_address::v6(from.to_v6().to_bytes());
}

enum class sharing { alone, with_other_threads };

error_code open_acceptor(tcp::acceptor& made, const conf::endpoint& on, sharing how) {
    error_code ec;
    const auto endpoint = to_asio(on);
    made.open(endpoint.protocol(), ec);
    if (!ec) close_on_exec(made.native_handle());
    if (!ec) made.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec && how == sharing::with_other_threads) made.set_option(reuse_port(true), ec);
    if (!ec && !on.address.is_v4()) made.set_option(asio::ip::v6_only(true), ec);
    if (!ec) made.bind(endpoint, ec);
    if (!ec) made.listen(asio::socket_base::max_listen_connections, ec);
    return ec;
}

std::string bind_problem(const conf::endpoint& on, const error_code& ec) {
    std::string text = "cannot listen on " + on.to_string() + ": " + ec.message();
    if (ec == asio::error::address_in_use)
        text += "; stop what listens there, or choose another port in listener.address";
    if (ec == asio::error::access_denied) text += "; ports below 1024 need root at start";
    return text;
}

} // namespace

struct worker::impl {
    asio::awaitable<void> accept(tcp::acceptor& from, std::shared_ptr<bound_listener> on);
    void begin_session(tcp::socket socket, const tcp::endpoint& peer,
                       const std::shared_ptr<bound_listener>& on);
    void end_if_idle();

    session_services* services = nullptr;
    thread_buffers buffers;
    roster sessions;
    std::atomic<std::size_t> session_count{0};
    std::shared_ptr<bool> stop = std::make_shared<bool>(false);
    asio::io_context context{1}; // goes before what its coroutines use
    std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
    std::thread thread;
};

std::string probe_address(const conf::endpoint& wanted, conf::endpoint& bound) {
    // Alone first: with SO_REUSEPORT alone a second server of the same user would silently take half of the
    // connections.
    asio::io_context context(1);
    tcp::acceptor alone(context);
    if (const auto ec = open_acceptor(alone, wanted, sharing::alone)) return bind_problem(wanted, ec);
    bound = wanted;
    bound.port = alone.local_endpoint().port();
    return {};
}

worker::worker() : impl_(std::make_unique<impl>()) {}

worker::~worker() {
    if (impl_->thread.joinable()) {
        halt();
        join();
    }
}

std::string worker::listen(std::shared_ptr<bound_listener> on) {
    auto acceptor = std::make_unique<tcp::acceptor>(impl_->context);
    if (const auto ec = open_acceptor(*acceptor, on->address, sharing::with_other_threads))
        return bind_problem(on->address, ec);
    auto loop = impl_->accept(*acceptor, std::move(on));
    impl_->acceptors.push_back(std::move(acceptor));
    spawn(impl_->context.get_executor(), std::move(loop), [this](std::string_view what) {
        impl_->services->journal.fault("accept loop ended: " + std::string(what));
    });
    return {};
}

void worker::start(session_services& services) {
    impl_->services = &services;
    spawn(impl_->context.get_executor(), sweep_forever(impl_->sessions, impl_->stop),
          [this](std::string_view what) {
              impl_->services->journal.fault("deadline sweep ended: " + std::string(what));
          });
    impl_->thread = std::thread([this] { impl_->context.run(); });
}

asio::awaitable<void> worker::impl::accept(tcp::acceptor& from, std::shared_ptr<bound_listener> on) {
    asio::steady_timer timer(context);
    while (!sessions.draining()) {
        tcp::endpoint peer;
        auto accepted = from.async_accept(peer, answer);
        auto [ec, socket] = co_await std::move(accepted);
        if (ec == asio::error::operation_aborted) co_return;
        if (!ec) {
            begin_session(std::move(socket), peer, on);
            continue;
        }
        if (ec == asio::error::connection_aborted) continue;
        services->journal.fault("cannot accept a connection: " + ec.message());
        timer.expires_after(accept_pause);
        auto waited = timer.async_wait(answer);
        co_await std::move(waited);
    }
}

void worker::impl::begin_session(tcp::socket socket, const tcp::endpoint& peer,
                                 const std::shared_ptr<bound_listener>& on) {
    close_on_exec(socket.native_handle());
    session_origin origin;
    origin.config = services->config.get();
    origin.listener = on->settings;
    if (const auto* row = origin.config->find_listener(on->settings->name))
        origin.listener = std::shared_ptr<const conf::listener_settings>(origin.config, row);
    origin.client = from_asio(peer.address());
    origin.client_port = peer.port();
    on->connections.fetch_add(1, std::memory_order_relaxed);
    on->sessions.fetch_add(1, std::memory_order_relaxed);
    session_count.fetch_add(1);
    auto driver = std::make_shared<session_driver>(
        *services, sessions, make_stream(std::move(socket), buffers), std::move(origin));
    auto task = driver->run();
    spawn(
        context.get_executor(), std::move(task),
        [this](std::string_view what) {
            services->journal.fault("a session ended by an exception: " + std::string(what));
        },
        [this, driver, on]() mutable {
            driver.reset();
            on->sessions.fetch_sub(1, std::memory_order_relaxed);
            session_count.fetch_sub(1);
            end_if_idle();
        });
}

// Draining and nobody left: the sweep ends, and with it the thread.
void worker::impl::end_if_idle() {
    if (sessions.draining() && sessions.size() == 0) {
        *stop = true;
        context.stop();
    }
}

void worker::drain() {
    asio::post(impl_->context, [this] {
        for (auto& acceptor : impl_->acceptors) {
            error_code ignored;
            acceptor->close(ignored);
        }
        impl_->sessions.drain();
        impl_->end_if_idle();
    });
}

void worker::halt() {
    drain();
    asio::post(impl_->context, [this] { impl_->sessions.halt(); });
}

std::size_t worker::sessions() const { return impl_->session_count.load(); }

void worker::join() {
    if (impl_->thread.joinable()) impl_->thread.join();
}

} // namespace postern::server

// An accept loop that can't go on, out of descriptors or memory, ends, and the next sweep starts it anew. The
// sweep itself needs no memory: its timer takes what its last wait gave back.
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

// A connection as it is counted.
class counted {
  public:
    counted(std::atomic<std::size_t>& of_worker, std::shared_ptr<bound_listener> on)
        : of_worker_(of_worker), on_(std::move(on)) {
        on_->connections.fetch_add(1, std::memory_order_relaxed);
        on_->sessions.fetch_add(1, std::memory_order_relaxed);
        of_worker_.fetch_add(1);
    }
    ~counted() {
        on_->sessions.fetch_sub(1, std::memory_order_relaxed);
        of_worker_.fetch_sub(1);
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

  private:
    std::atomic<std::size_t>& of_worker_; // outlives every session of the worker
    std::shared_ptr<bound_listener> on_;
};

} // namespace

struct worker::impl {
    // One acceptor and its loop, which keeps it alive.
    struct entrance {
        entrance(asio::io_context& context, std::shared_ptr<bound_listener> of)
            : acceptor(context), on(std::move(of)) {}
        tcp::acceptor acceptor;
        std::shared_ptr<bound_listener> on;
        bool is_attended = false;
    };

    void run();
    void sweep_soon();
    void attend_entrances();
    asio::awaitable<void> accept(std::shared_ptr<entrance> from);
    void begin_session(tcp::socket socket, const tcp::endpoint& peer,
                       const std::shared_ptr<bound_listener>& on);
    void end_if_idle();

    session_services* services = nullptr;
    accept_watch* watch = nullptr;
    thread_buffers buffers;
    roster sessions;
    std::atomic<std::size_t> session_count{0};
    asio::io_context context{1}; // goes before what its coroutines use
    asio::steady_timer sweep_timer{context};
    std::vector<std::shared_ptr<entrance>> entrances;
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
    auto made = std::make_shared<impl::entrance>(impl_->context, std::move(on));
    if (const auto ec = open_acceptor(made->acceptor, made->on->address, sharing::with_other_threads))
        return bind_problem(made->on->address, ec);
    impl_->entrances.push_back(std::move(made));
    return {};
}

void worker::start(session_services& services, accept_watch& watch) {
    impl_->services = &services;
    impl_->watch = &watch;
    impl_->attend_entrances();
    impl_->sweep_soon();
    impl_->thread = std::thread([this] { impl_->run(); });
}

// What escapes to here is a lack of memory in the ending of something; the rest goes on.
void worker::impl::run() {
    for (;;) {
        try {
            context.run();
            return;
        } catch (const std::exception&) {
            services->journal.fault("something was broken off by an exception in the event loop");
        }
    }
}

void worker::impl::sweep_soon() {
    sweep_timer.expires_after(roster::sweep_interval);
    sweep_timer.async_wait([this](error_code ec) {
        if (ec) return;
        sweep_soon(); // first: the memory of this wait is free, and nobody else had it yet
        sessions.sweep(std::chrono::steady_clock::now());
        attend_entrances();
    });
}

void worker::impl::attend_entrances() {
    for (const auto& each : entrances) {
        if (each->is_attended || sessions.draining()) continue;
        auto loop = accept(each);
        spawn(context.get_executor(), std::move(loop),
              [this](std::string_view what) { watch->failed(what, std::chrono::steady_clock::now()); });
        each->is_attended = true;
    }
}

// Ends, and thereby pauses, when a connection can't be had.
asio::awaitable<void> worker::impl::accept(std::shared_ptr<entrance> from) {
    const auto left = [&from](const void*) { from->is_attended = false; };
    const std::unique_ptr<const void, decltype(left)> on_any_way_out(this, left);
    while (!sessions.draining()) {
        tcp::endpoint peer;
        auto accepting = from->acceptor.async_accept(peer, answer);
        auto [ec, socket] = co_await std::move(accepting);
        if (ec == asio::error::operation_aborted) co_return;
        if (ec == asio::error::connection_aborted) continue;
        if (ec) {
            watch->failed(ec.message(), std::chrono::steady_clock::now());
            co_return;
        }
        begin_session(std::move(socket), peer, from->on);
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
    auto presence = std::make_shared<counted>(session_count, on);
    auto driver = std::make_shared<session_driver>(
        *services, sessions, make_stream(std::move(socket), buffers), std::move(origin));
    auto task = driver->run();
    spawn(
        context.get_executor(), std::move(task),
        [this](std::string_view what) {
            services->journal.fault("a session ended by an exception: " + std::string(what));
        },
        [this, driver, presence]() mutable {
            driver.reset();
            presence.reset();
            end_if_idle();
        });
}

// Draining and nobody left: the sweep ends, and with it the thread.
void worker::impl::end_if_idle() {
    if (sessions.draining() && sessions.size() == 0) {
        context.stop();
    }
}

void worker::drain() {
    asio::post(impl_->context, [this] {
        impl_->sessions.drain(); // first: nobody comes back to an entrance
        for (auto& each : impl_->entrances) {
            error_code ignored;
            each->acceptor.close(ignored);
        }
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

// An accept loop that can't go on, out of descriptors or memory, ends, and the next sweep starts it anew. The
// sweep itself needs no memory.
#include "server/worker.hpp"

#include "server/side_tasks.hpp"

#include "server/local_room.hpp"
#include "server/poller.hpp"
#include "server/reserved_room.hpp"
#include "server/resolver.hpp"
#include "server/tcp_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
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

// Before the sessions that wait on the same thread get their turn.
constexpr unsigned arrivals_at_once = 16;

// Another worker or process has it, or the client left.
bool is_gone_again(const error_code& ec) {
    return ec == asio::error::would_block || ec == asio::error::connection_aborted ||
           ec == boost::system::errc::protocol_error;
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
    bool begin_session(accepted from, const std::shared_ptr<bound_listener>& on);
    void end_if_idle();
    void take(session_services& shared, const resolver_settings& dns);

    session_services* services = nullptr;
    accept_watch* watch = nullptr;
    thread_buffers buffers;
    roster sessions;
    std::atomic<std::size_t> session_count{0};
    std::atomic<std::size_t> attended{0}; // entrances whose loop runs
    std::atomic<std::uint64_t> beats{0};
    reserved_room sweep_room;            // or one wait that finds no memory would be the last
    asio::io_context context{1};         // goes before what its coroutines use
    poller& waits = poller::of(context); // made now, while there are descriptors
    side_tasks beside{context.get_executor()};
    asio::steady_timer sweep_timer{context};
    std::optional<spam_engine> engine;
    std::optional<dns_resolver> dns;
    std::optional<local_room> mailboxes;
    std::optional<policy::services> asked; // with what is this thread's
    std::optional<session_services> own;   // with those
    std::vector<std::shared_ptr<entrance>> entrances;
    std::thread thread;
};

worker::worker() : impl_(std::make_unique<impl>()) {}

worker::~worker() {
    if (impl_->thread.joinable()) {
        halt();
        join();
    }
}

bool worker::attend(std::shared_ptr<bound_listener> on, listening_socket socket) {
    const auto family = socket.address.address.is_v4() ? tcp::v4() : tcp::v6();
    auto made = std::make_shared<impl::entrance>(impl_->context, std::move(on));
    error_code ec;
    made->acceptor.assign(family, socket.handle.get(), ec);
    if (ec) return false;
    socket.handle.release();
    impl_->entrances.push_back(std::move(made));
    return true;
}

std::vector<worker::entrance> worker::entrances() const {
    std::vector<entrance> all;
    for (const auto& each : impl_->entrances) all.push_back({each->acceptor.native_handle(), each->on});
    return all;
}

void worker::impl::take(session_services& shared, const resolver_settings& settings) {
    dns.emplace(context.get_executor(), settings, shared.counts.dns);
    engine.emplace(context.get_executor());
    mailboxes.emplace(shared.config, shared.policy.room);
    asked.emplace(shared.policy.of_thread(*mailboxes, *dns, beside));
    own.emplace(session_services{shared.config, shared.journal, shared.spool, shared.pool, shared.files,
                                 shared.ids, shared.session_ids, *asked, shared.refusals, shared.limits,
                                 shared.counts, shared.scanners, &*engine, shared.logins, shared.guess_key});
    services = &*own;
}

void worker::start(session_services& services, accept_watch& watch, const resolver_settings& dns) {
    impl_->take(services, dns);
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
    sweep_timer.async_wait(in_room(sweep_room, [this](error_code ec) {
        if (ec) return;
        sweep_soon(); // first: what follows may find no memory
        beats.fetch_add(1, std::memory_order_relaxed);
        sessions.sweep(std::chrono::steady_clock::now());
        attend_entrances();
    }));
}

void worker::impl::attend_entrances() {
    for (const auto& each : entrances) {
        if (each->is_attended || sessions.draining()) continue;
        auto loop = accept(each);
        spawn(context.get_executor(), std::move(loop),
              [this](std::string_view what) { watch->failed(what, std::chrono::steady_clock::now()); });
        each->is_attended = true; // it begins only after this
        attended.fetch_add(1);
    }
}

// Ends, and thereby pauses, when a connection can't be had.
asio::awaitable<void> worker::impl::accept(std::shared_ptr<entrance> from) {
    const auto left = [&from](impl* self) {
        from->is_attended = false;
        self->attended.fetch_sub(1);
        self->end_if_idle();
    };
    const std::unique_ptr<impl, decltype(left)> on_any_way_out(this, left);
    reserved_room room; // its operation owns this frame
    while (!sessions.draining()) {
        auto arrival = from->acceptor.async_wait(tcp::acceptor::wait_read, in_room(room, answer));
        auto [ec] = co_await std::move(arrival);
        if (ec == asio::error::operation_aborted) co_return;
        for (unsigned turn = 0; !ec && turn < arrivals_at_once; ++turn) {
            auto arrived = accept_from(from->acceptor.native_handle());
            if (!arrived)
                ec = arrived.error();
            else if (!begin_session(std::move(*arrived), from->on))
                ec = make_error_code(boost::system::errc::no_space_on_device);
        }
        if (!ec || is_gone_again(ec)) continue;
        watch->failed(ec.message(), std::chrono::steady_clock::now());
        co_return;
    }
}

// False: the connection can't be watched, and is closed.
bool worker::impl::begin_session(accepted from, const std::shared_ptr<bound_listener>& on) {
    auto wire = make_stream(context, std::move(from.connection), buffers);
    if (!wire) return false;
    session_origin origin;
    origin.config = services->config.get();
    origin.listener = on->settings;
    if (const auto* row = origin.config->find_listener(on->settings->name))
        origin.listener = std::shared_ptr<const conf::listener_settings>(origin.config, row);
    origin.client = from.peer.address;
    origin.client_port = from.peer.port;
    auto presence = std::make_shared<counted>(session_count, on);
    auto driver = std::make_shared<session_driver>(*services, sessions, std::move(wire), std::move(origin));
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
    return true;
}

// Draining and nobody left: the sweep ends, and with it the thread. A loop that still runs may hold a
// connection that was accepted before and whose session has not begun.
void worker::impl::end_if_idle() {
    if (sessions.draining() && sessions.size() == 0 && attended.load() == 0) context.stop();
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
    asio::post(impl_->context, [this] {
        if (impl_->dns) impl_->dns->stop(); // a session that waits for it goes on, and ends
        impl_->sessions.halt();
    });
}

void worker::configure_dns(resolver_settings dns) {
    asio::post(impl_->context,
               [this, dns = std::move(dns)]() mutable { impl_->dns->configure(std::move(dns)); });
}

std::size_t worker::sessions() const { return impl_->session_count.load(); }

bool worker::accepts() const { return impl_->attended.load() != 0; }

std::uint64_t worker::beats() const { return impl_->beats.load(std::memory_order_relaxed); }

void worker::join() {
    if (impl_->thread.joinable()) impl_->thread.join();
}

} // namespace postern::server

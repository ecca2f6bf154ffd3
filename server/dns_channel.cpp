// c-ares answers from within its own functions, where it must not be called and nothing may be thrown: an
// answer is only put into its slot there, and whoever waits goes on later, by a timer that ends without
// memory. Its sockets are its own: they are released from Asio, never closed. Time is looked at in ticks
// while something is in flight: c-ares finds its next deadline only by going through all questions.
#include "server/dns_channel.hpp"

#include <algorithm>
#include <ares.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <netinet/in.h>

namespace postern::server {
namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

namespace {

constexpr int receive_buffer = 1 << 20; // octets; answers to many questions come at once
// Octets of an answer that are taken by UDP, by servers too that send more than the question allows; beyond
// them, and beyond 512 without EDNS, c-ares cuts.
constexpr int udp_most = 4096;
constexpr std::chrono::milliseconds tick_least{5}, tick_most{100};

struct ares_end {
    void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using ares_handle = std::unique_ptr<ares_channeldata, ares_end>;

struct slot {
    slot(const asio::any_io_executor& on, std::size_t& in_flight_of_channel)
        : timer(on, asio::steady_timer::time_point::max()), in_flight(in_flight_of_channel) {}

    dns_reply reply;
    bool has_ended = false;
    asio::steady_timer timer; // never expires; its wait ends with the question
    std::size_t& in_flight;   // the channel's, which outlives every question that c-ares has
};

dns_reply::kind kind_of(int status) {
    switch (status) {
    case ARES_SUCCESS: return dns_reply::kind::answered;
    case ARES_ETIMEOUT: return dns_reply::kind::silent;
    case ARES_EDESTRUCTION: return dns_reply::kind::stopped;
    default: return dns_reply::kind::unreachable;
    }
}

void on_answer(void* argument, int status, int, unsigned char* octets, int count) {
    const std::unique_ptr<std::shared_ptr<slot>> owned(static_cast<std::shared_ptr<slot>*>(argument));
    slot& into = **owned;
    --into.in_flight;
    into.has_ended = true;
    try {
        into.reply.what = kind_of(status);
        if (octets != nullptr && count > 0) into.reply.message.assign(octets, octets + count);
    } catch (const std::bad_alloc&) {
        into.reply = {};
    }
    into.timer.cancel();
}

ares_addr_port_node node_of(const conf::endpoint& server) {
    ares_addr_port_node node{};
    const auto bytes = server.address.bytes();
    if (server.address.is_v4()) {
        node.family = AF_INET;
        std::copy_n(bytes.begin(), 4, reinterpret_cast<std::uint8_t*>(&node.addr.addr4));
    } else {
        node.family = AF_INET6;
        std::copy_n(bytes.begin(), 16, reinterpret_cast<std::uint8_t*>(&node.addr.addr6));
    }
    node.udp_port = node.tcp_port = server.port;
    return node;
}

// One of c-ares' sockets.
struct watched {
    watched(const asio::any_io_executor& on, int fd) : descriptor(on, fd) {}
    ~watched() {
        if (descriptor.is_open()) descriptor.release();
    }
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

    stream_descriptor descriptor;
    bool wants_read = false, wants_write = false; // c-ares
    bool waits_read = false, waits_write = false; // Asio
};

} // namespace

struct dns_channel::impl : std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor executor, std::chrono::milliseconds timeout)
        : on(std::move(executor)), timer(on), tick(std::clamp(timeout / 10, tick_least, tick_most)) {}

    bool open(const conf::endpoint& server, std::chrono::milliseconds timeout, dns_way way);
    void watch(int fd, bool read, bool write) noexcept;
    void wait(const std::shared_ptr<watched>& socket);
    void on_ready(const std::weak_ptr<watched>& socket, stream_descriptor::wait_type what, error_code ec);
    void tick_soon();

    asio::any_io_executor on;
    asio::steady_timer timer;
    std::chrono::milliseconds tick;
    bool ticking = false;
    std::size_t asked = 0, in_flight = 0;
    std::map<int, std::shared_ptr<watched>> sockets;
    ares_handle ares; // first to go: it still tells of its sockets and answers its questions
};

bool dns_channel::impl::open(const conf::endpoint& server, std::chrono::milliseconds timeout, dns_way way) {
    // All that c-ares would otherwise read from files and the environment.
    char lookups[] = "b";
    in_addr replaced_below{};
    ares_options options{};
    // NOCHECKRESP: SERVFAIL and REFUSED are answers that we read ourselves. IGNTC: so is a truncated one.
    // EDNS: an answer of more than 512 octets is taken; the OPT record is in the question already, and c-ares
    // takes it off where it isn't understood. USEVC is TCP.
    options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC |
                    (way == dns_way::udp_edns ? ARES_FLAG_EDNS : 0) |
                    (way == dns_way::tcp ? ARES_FLAG_USEVC : 0);
    options.timeout = static_cast<int>(timeout.count());
    options.tries = 1;
    options.ndots = 1;
    options.servers = &replaced_below;
    options.nservers = 1;
    options.lookups = lookups;
    options.ednspsz = udp_most;
    options.socket_receive_buffer_size = receive_buffer;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
        static_cast<impl*>(self)->watch(fd, read != 0, write != 0);
    };
    options.sock_state_cb_data = this;
    constexpr int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                          ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
                          ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB |
                          ARES_OPT_NOROTATE;
    ares_channel made = nullptr;
    if (ares_init_options(&made, &options, given) != ARES_SUCCESS) return false;
    ares.reset(made);
    auto node = node_of(server);
    return ares_set_servers_ports(ares.get(), &node) == ARES_SUCCESS;
}

// From within c-ares: nothing may be thrown. A socket that can't be watched makes its questions silent.
void dns_channel::impl::watch(int fd, bool read, bool write) noexcept {
    try {
        const auto at = sockets.find(fd);
        if (!read && !write) {
            if (at == sockets.end()) return;
            at->second->descriptor.release();
            sockets.erase(at);
            return;
        }
        const auto socket = at != sockets.end()
                                ? at->second
                                : sockets.emplace(fd, std::make_shared<watched>(on, fd)).first->second;
        socket->wants_read = read;
        socket->wants_write = write;
        wait(socket);
    } catch (const std::exception&) {
        return;
    }
}

void dns_channel::impl::wait(const std::shared_ptr<watched>& socket) {
    const auto begin = [&](stream_descriptor::wait_type what, bool wants, bool& waits) {
        if (!wants || waits) return;
        socket->descriptor.async_wait(
            what, [self = weak_from_this(), weak = std::weak_ptr(socket), what](error_code ec) {
                if (const auto alive = self.lock()) alive->on_ready(weak, what, ec);
            });
        waits = true;
    };
    begin(stream_descriptor::wait_read, socket->wants_read, socket->waits_read);
    begin(stream_descriptor::wait_write, socket->wants_write, socket->waits_write);
}

void dns_channel::impl::on_ready(const std::weak_ptr<watched>& weak, stream_descriptor::wait_type what,
                                 error_code ec) {
    const auto socket = weak.lock();
    if (!socket || !socket->descriptor.is_open() || ec) return;
    const bool reads = what == stream_descriptor::wait_read;
    (reads ? socket->waits_read : socket->waits_write) = false;
    const int fd = socket->descriptor.native_handle();
    ares_process_fd(ares.get(), reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
    if (socket->descriptor.is_open()) wait(socket);
}

void dns_channel::impl::tick_soon() {
    if (ticking) return;
    timer.expires_after(tick);
    timer.async_wait([self = weak_from_this()](error_code ec) {
        const auto alive = self.lock();
        if (!alive || ec) return;
        alive->ticking = false;
        if (alive->in_flight == 0) return;
        alive->tick_soon(); // first: the memory of this wait is free, and nobody else had it yet
        ares_process_fd(alive->ares.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        // One that found no memory for its wait waits from now on.
        for (const auto& [fd, socket] : alive->sockets) alive->wait(socket);
    });
    ticking = true;
}

dns_channel::dns_channel(asio::any_io_executor on, const conf::endpoint& server,
                         std::chrono::milliseconds timeout, dns_way way)
    : impl_(std::make_shared<impl>(std::move(on), timeout)) {
    if (!impl_->open(server, timeout, way)) impl_->ares.reset();
}

dns_channel::~dns_channel() { impl_->ares.reset(); }

asio::awaitable<dns_reply> dns_channel::ask(std::vector<std::uint8_t> question) {
    const auto mine = std::make_shared<slot>(impl_->on, impl_->in_flight);
    if (!impl_->ares) {
        mine->reply.what = dns_reply::kind::unreachable;
        co_return mine->reply;
    }
    impl_->tick_soon();
    auto argument = std::make_unique<std::shared_ptr<slot>>(mine);
    ++impl_->asked;
    ++impl_->in_flight;
    ares_send(impl_->ares.get(), question.data(), static_cast<int>(question.size()), &on_answer,
              argument.release());
    if (!mine->has_ended) {
        auto waiting = mine->timer.async_wait(asio::as_tuple(asio::use_awaitable));
        co_await std::move(waiting); // this may go away meanwhile
    }
    co_return std::move(mine->reply);
}

std::size_t dns_channel::in_flight() const { return impl_->in_flight; }
std::size_t dns_channel::asked() const { return impl_->asked; }

} // namespace postern::server

#include "server/primary_keeper.hpp"

#include "server/awaiting.hpp"

#include <fmt/format.h>
#include <new>

namespace postern::server {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds look_interval{2};
constexpr std::chrono::seconds last_patience{5}; // with servers, once this one ends
} // namespace

primary_keeper::primary_keeper(asio::any_io_executor main, live_snapshot& config, log& journal,
                               policy::resolver* names, std::function<void(conf::relay_hop)> back)
    : main_(main), timer_(main), config_(config), journal_(journal), back_(std::move(back)),
      client_(config, names) {}

void primary_keeper::start() { look(); }

void primary_keeper::stop() {
    stopped_ = true;
    timer_.cancel();
}

void primary_keeper::drain() {
    if (stopped_) return;
    timer_.expires_after(last_patience);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->break_off();
    });
}

void primary_keeper::break_off() {
    if (stopped_) return;
    client_.client().break_off();
    timer_.expires_after(look_interval);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->break_off();
    });
}

void primary_keeper::look() {
    if (stopped_) return;
    timer_.expires_after(look_interval);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->look();
    });
    client_.client().close_idle();
    const auto due = watch_.to_probe(config_.get()->config->relay, std::chrono::steady_clock::now());
    for (const auto& hop : due) {
        try {
            begin_probe(hop);
        } catch (const std::bad_alloc&) { // the next look comes
            watch_.probed(hop);
        }
    }
}

void primary_keeper::begin_probe(const conf::relay_hop& hop) {
    auto task = probe(shared_from_this(), hop);
    spawn(
        main_, std::move(task),
        [self = shared_from_this()](std::string_view what) {
            self->journal_.fault("a primary could not be asked: " + std::string(what));
        },
        [self = shared_from_this(), hop] { self->watch_.probed(hop); });
}

asio::awaitable<void> primary_keeper::probe(std::shared_ptr<primary_keeper> self, conf::relay_hop hop) {
    const client_deadlines usual; // as a delivery's: or who is slow to greet would be away for ever
    const auto away = co_await self->client_.reach(hop, usual);
    if (!self->stopped_) self->tried(hop, away);
}

bool primary_keeper::watches(const conf::relay_hop& hop) {
    if (auto now = config_.get(); now != followed_) {
        watch_.follow(now->config->relay);
        followed_ = std::move(now);
    }
    return watch_.watches(hop);
}

void primary_keeper::tried(const conf::relay_hop& hop, const std::string& away) {
    if (!away.empty()) {
        if (watch_.missed(hop, away, std::chrono::steady_clock::now()))
            journal_.fault(
                fmt::format("the primary {} is away: {}; its mail waits here", hop.to_string(), away));
        return;
    }
    const bool was_away = !watch_.why_away(hop).empty();
    if (!watch_.reached(hop)) return;
    if (was_away)
        journal_.note(fmt::format("the primary {} is back: its mail is handed over", hop.to_string()));
    back_(hop);
}

} // namespace postern::server

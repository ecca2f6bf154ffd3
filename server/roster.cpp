// Asking a session to end only cancels its wait: it leaves the list later, when its coroutine runs.
#include "server/roster.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace postern::server {

void roster::add(member& who) {
    who.place_ = members_.size();
    members_.push_back(&who);
}

void roster::remove(member& who) {
    members_[who.place_] = members_.back();
    members_[who.place_]->place_ = who.place_;
    members_.pop_back();
}

void roster::drain() {
    draining_ = true;
    for (auto* who : members_) who->on_drain();
}

void roster::halt() {
    for (auto* who : members_) who->on_halt();
}

void roster::sweep(steady_time now) {
    for (std::size_t i = 0; i < members_.size(); ++i) members_[i]->on_sweep(now);
}

boost::asio::awaitable<void> sweep_forever(roster& sessions, std::shared_ptr<const bool> stop) {
    const auto here = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(here);
    while (!*stop) {
        timer.expires_after(roster::sweep_interval);
        auto waited = timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_await std::move(waited);
        sessions.sweep(std::chrono::steady_clock::now());
    }
}

} // namespace postern::server

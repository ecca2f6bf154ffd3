// The end, and what the service manager hears of the server's life: that it works, what it does, that it
// ends.
#include "server/app.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {

namespace {

constexpr std::chrono::milliseconds drain_poll{50};
constexpr std::chrono::seconds halt_grace{5};
constexpr std::chrono::seconds deliveries_time{50}; // for those under way, after the last session
// For what a thread is at then; after it nothing is waited for.
constexpr std::chrono::seconds closing_time{10};

} // namespace

// Transactions under way may finish until drain_timeout. A second time: now.
void app::begin_drain(std::string_view why) {
    const auto now = std::chrono::steady_clock::now();
    if (draining_) {
        drain_until_ = now;
        deliver_until_ = now + halt_grace;
        return;
    }
    draining_ = true;
    drain_until_ = now + config_.get()->config->server.drain_timeout;
    deliver_until_ = drain_until_ + halt_grace + deliveries_time;
    last_resort_.emplace(now + ending_time(), static_cast<int>(exit_code::temporary));
    manager_.stopping(ending_time());
    journal_->write({.event = log_event::stopping, .text = why});
    for (auto& each : workers_) each->drain();
    runner_->drain();
    poll_drain();
}

void app::poll_drain() {
    const auto now = std::chrono::steady_clock::now();
    const bool sessions_over = !has_sessions() || (halted_ && now >= drain_until_);
    if (sessions_over && (attempts_.size() == 0 || now >= deliver_until_)) return main_.stop();
    if (!halted_ && now >= drain_until_) {
        halted_ = true;
        drain_until_ = now + halt_grace;
        primaries_->stop(); // a session that waits for it goes on, and ends
        for (auto& each : workers_) each->halt();
    }
    drain_timer_.expires_after(drain_poll);
    drain_timer_.async_wait(in_room(drain_room_, [this](boost::system::error_code ec) {
        if (!ec) poll_drain();
    }));
}

bool app::has_sessions() const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& each) { return each->accepts() || each->sessions() != 0; });
}

// From the beginning of a drain to the end of the process, at the most.
std::chrono::seconds app::ending_time() const {
    return config_.get()->config->server.drain_timeout + halt_grace + deliveries_time + closing_time;
}

void app::tell_manager_status() {
    if (!manager_.is_there() || draining_) return;
    const auto totals = queue_->totals();
    auto text = fmt::format("{} sessions, {} messages in the queue", limits_.sessions(),
                            totals ? std::to_string(totals->messages) : "?");
    if (text == told_manager_) return;
    manager_.status(text);
    told_manager_ = std::move(text);
}

// Not while it drains: the service manager has its time for the end then, and a sign of life would arm its
// watchdog anew.
void app::watch_life() {
    if (manager_.watchdog_interval().count() == 0 || draining_) return;
    if (!life_) life_.emplace(manager_.watchdog_interval());
    life_timer_.expires_after(life_->interval() / 2);
    life_timer_.async_wait(in_room(life_room_, [this](boost::system::error_code ec) {
        if (!ec) watch_life();
    }));
    std::vector<std::uint64_t> beats;
    for (const auto& each : workers_) beats.push_back(each->beats());
    auto silent = life_->look(std::chrono::steady_clock::now(), beats, spool_->writing_since());
    if (silent.empty()) manager_.alive();
    if (!silent.empty() && silent != silent_)
        journal_->fault(silent + " shows no sign of life: the service manager hears none of the server's");
    silent_ = std::move(silent);
}

} // namespace postern::server

#include "bench/load/engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace postern::bench {
namespace {

constexpr std::size_t events_at_once = 512;
constexpr std::size_t opens_at_once = 64; // then events have their turn
constexpr std::chrono::milliseconds after_loss{100};
constexpr std::size_t read_octets = 64 * 1024;

} // namespace

engine::engine(workload& shared)
    : shared_(shared), poll_(::epoll_create1(EPOLL_CLOEXEC)), room_(read_octets) {
    for (std::uint64_t i = 0; i < shared.wanted.sessions; ++i) {
        slots_.push_back(std::make_unique<session>(shared));
        closed_.push_back({slots_.back().get(), {}});
    }
}

engine::~engine() {
    if (poll_ >= 0) ::close(poll_);
}

void engine::interrupt() { interrupted_ = true; }

bool engine::run(std::string& problem) {
    std::array<epoll_event, events_at_once> events{};
    auto now = shared_.counts.started = steady::now();
    next_second_ = now + std::chrono::seconds(1);
    while (!over(now)) {
        open_what_may(now);
        const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_time(now));
        if (count < 0 && errno != EINTR) {
            problem = fmt::format("epoll_wait: {}", std::strerror(errno));
            return false;
        }
        for (int i = 0; i < count; ++i)
            handle(*static_cast<session*>(events[static_cast<std::size_t>(i)].data.ptr),
                   events[static_cast<std::size_t>(i)].events);
        now = steady::now();
        if (now >= next_second_) each_second(now);
    }
    if (shared_.counts.done == 0) shared_.counts.ended = steady::now();
    for (auto& slot : slots_) slot->close();
    return true;
}

bool engine::over(steady::time_point now) const {
    if (interrupted_) return true;
    if (shared_.wanted.mode == load_mode::idle &&
        shared_.counts.done + shared_.counts.failed >= shared_.wanted.sessions)
        return shared_.up == 0 || now - shared_.counts.all_open >= std::chrono::seconds(shared_.wanted.idle);
    return exhausted_ && closed_.size() == slots_.size();
}

// Closed slots lie in the order in which they may be opened again.
void engine::open_what_may(steady::time_point now) {
    for (std::size_t opened = 0; opened < opens_at_once && !closed_.empty() && !exhausted_; ++opened) {
        if (closed_.front().not_before > now) return;
        if (shared_.wanted.opening != 0 && opening_ >= shared_.wanted.opening) return;
        if (!shared_.take(now)) {
            exhausted_ = true;
            return;
        }
        session& slot = *closed_.front().which;
        closed_.pop_front();
        if (open(slot, steady::now())) {
            ++opening_;
        } else {
            closed_.push_back({&slot, now + after_loss});
        }
    }
}

bool engine::open(session& slot, steady::time_point now) {
    if (!slot.open(now)) return false;
    if (watch(slot)) return true;
    slot.lose("epoll took no more descriptors");
    return false;
}

bool engine::watch(session& slot) {
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    wanted.data.ptr = &slot;
    return ::epoll_ctl(poll_, EPOLL_CTL_ADD, slot.fd(), &wanted) == 0;
}

void engine::handle(session& slot, std::uint32_t events) {
    const bool was_opening = slot.waits_for_greeting();
    const bool was_closed = slot.now_in() == session::state::closed;
    slot.on_event(events, room_);
    if (was_opening && !slot.waits_for_greeting()) --opening_;
    if (was_closed || slot.now_in() != session::state::closed) return;
    if (slot.failed_last()) {
        closed_.push_back({&slot, steady::now() + after_loss});
    } else {
        closed_.push_front({&slot, {}});
    }
}

int engine::wait_time(steady::time_point now) const {
    const bool more =
        !exhausted_ && !closed_.empty() && (shared_.wanted.opening == 0 || opening_ < shared_.wanted.opening);
    if (more && closed_.front().not_before <= now) return 0;
    if (more) return 10;
    return 100;
}

void engine::each_second(steady::time_point now) {
    next_second_ = now + std::chrono::seconds(1);
    for (auto& slot : slots_) {
        const bool was_opening = slot->waits_for_greeting();
        const bool was_closed = slot->now_in() == session::state::closed;
        slot->check_silence(now - std::chrono::seconds(shared_.wanted.timeout));
        if (was_closed || slot->now_in() != session::state::closed) continue;
        if (was_opening) --opening_;
        closed_.push_back({slot.get(), now + after_loss});
    }
    const auto& counts = shared_.counts;
    if (shared_.wanted.quiet || ::isatty(STDERR_FILENO) == 0) return;
    const auto p99 = static_cast<double>(counts.to_final.percentile(99)) / 1e6;
    const auto threads = shared_.wanted.threads;
    const std::string line =
        fmt::format("\r{:5.0f} s  {} done, {}/s, {} failed, p99 {:.2f} ms, {} open{}   ",
                    std::chrono::duration<double>(now - counts.started).count(), counts.done,
                    counts.done - done_before_, counts.failed, p99, slots_.size() - closed_.size(),
                    threads > 1 ? fmt::format(", of the first of {} threads", threads) : "");
    done_before_ = counts.done;
    (void)!::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace postern::bench

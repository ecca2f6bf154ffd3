// One scan is one worker's until it has answered. A worker that breaks off, says nonsense or takes too long
// is ended, and nothing is known of the message then: never that it is clean.
#include "server/scanning/workforce.hpp"

#include <algorithm>

namespace postern::server::scanning {
using std::chrono::milliseconds;

namespace {

// Its memory is fresh again from time to time.
constexpr unsigned scans_of_a_worker = 5000;
// A scan that stops by itself still has to answer.
constexpr milliseconds answer_time{1000};
constexpr milliseconds shortest{500};

milliseconds time_for(steady_clock::time_point by) {
    const auto left = std::chrono::floor<milliseconds>(by - steady_clock::now()) - answer_time;
    return std::max(left, shortest);
}

// What one worker says to one order.
policy::scan_outcome answer_of(int channel, const protocol::scan::order& asked, steady_clock::time_point by) {
    protocol::scan::report_reader from(asked.everything);
    for (;;) {
        const auto got = receive(channel, protocol::scan::datagram_max, by);
        if (!got && got.error() == boost::system::errc::timed_out) return {{}, "the scanner took too long"};
        if (!got) return {{}, "the scanner ended in the middle"};
        const auto told = from.feed(got->octets);
        if (told == protocol::scan::report_reader::outcome::more) continue;
        auto report = from.take();
        if (told != protocol::scan::report_reader::outcome::whole || report.id != asked.id)
            return {{}, "the scanner answered with nonsense"};
        return {std::move(report), {}};
    }
}

} // namespace

policy::scan_outcome workforce::scan(protocol::scan::order asked, int message, steady_clock::time_point by) {
    for (;;) {
        auto one = borrow(by);
        if (!one) return {{}, "no scanner was free in time"};
        asked.id = ++orders_;
        asked.milliseconds = static_cast<std::uint32_t>(time_for(by).count());
        // It has ended since it was last seen, and saw nothing of this message: another one may.
        if (send(one->channel.get(), encode(asked), message, by)) {
            give_back(std::move(*one), condition::broken);
            continue;
        }
        ++one->scans;
        auto outcome = answer_of(one->channel.get(), asked, by);
        give_back(std::move(*one), outcome.found ? condition::fine : condition::broken);
        return outcome;
    }
}

std::optional<workforce::worker> workforce::borrow(steady_clock::time_point by) {
    std::unique_lock lock(mutex_);
    const bool some = freed_.wait_until(lock, by, [this] { return stopping_ || !free_.empty(); });
    if (!some || stopping_) return std::nullopt;
    auto taken = std::move(free_.back());
    free_.pop_back();
    ++taken.of->lent;
    return taken;
}

void workforce::give_back(worker&& one, condition how) {
    const std::lock_guard lock(mutex_);
    --one.of->lent;
    if (how == condition::broken) endings_.push_back({one.of, one.number});
    const bool goes_on = how == condition::fine && one.of == current_ && one.scans < scans_of_a_worker;
    if (!goes_on) return wake(); // its channel closes, and it ends
    free_.push_back(std::move(one));
    freed_.notify_one();
}

} // namespace postern::server::scanning

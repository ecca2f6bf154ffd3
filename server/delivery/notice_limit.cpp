#include "server/delivery/notice_limit.hpp"

namespace postern::server {

notice_limit::hour& notice_limit::hour_of(const std::string& sender, std::int64_t now) {
    auto found = senders_.find(sender);
    if (found == senders_.end() && senders_.size() >= senders_max)
        std::erase_if(senders_, [now](const auto& one) { return one.second.is_over(now); });
    const bool is_apart = senders_.size() < senders_max && sender.size() <= sender_octets_max;
    hour& counted = found != senders_.end() ? found->second : is_apart ? senders_[sender] : others_;
    if (counted.is_over(now)) counted = {now, 0};
    return counted;
}

std::int64_t notice_limit::claim(const std::string& sender, unsigned an_hour, std::int64_t now) {
    const std::scoped_lock held(lock_);
    hour& counted = hour_of(sender, now);
    if (an_hour != 0 && counted.notices >= an_hour) return counted.begun + window;
    ++counted.notices;
    return 0;
}

void notice_limit::count(const std::string& sender, std::size_t notices, std::int64_t now) {
    const std::scoped_lock held(lock_);
    hour_of(sender, now).notices += notices;
}

} // namespace postern::server

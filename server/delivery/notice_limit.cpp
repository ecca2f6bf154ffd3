#include "server/delivery/notice_limit.hpp"

namespace postern::server {

const notice_limit::hour* notice_limit::find(const std::string& sender) const {
    const auto found = senders_.find(sender);
    if (found != senders_.end()) return &found->second;
    return senders_.size() < senders_max && sender.size() <= sender_octets_max ? nullptr : &others_;
}

notice_limit::hour& notice_limit::take(const std::string& sender, std::int64_t now) {
    if (const auto found = senders_.find(sender); found != senders_.end()) return found->second;
    if (senders_.size() >= senders_max)
        std::erase_if(senders_, [now](const auto& one) { return one.second.is_over(now); });
    if (senders_.size() >= senders_max || sender.size() > sender_octets_max) return others_;
    return senders_[sender];
}

std::int64_t notice_limit::wait_until(const std::string& sender, unsigned an_hour, std::int64_t now) const {
    const std::scoped_lock held(lock_);
    const hour* counted = find(sender);
    if (an_hour == 0 || counted == nullptr || counted->is_over(now) || counted->notices < an_hour) return 0;
    return counted->begun + window;
}

void notice_limit::count(const std::string& sender, unsigned notices, std::int64_t now) {
    const std::scoped_lock held(lock_);
    hour& counted = take(sender, now);
    if (counted.is_over(now)) counted = {now, 0};
    counted.notices += notices;
}

} // namespace postern::server

#include "server/identity/foreign_keeper.hpp"

#include "server/clock.hpp"

namespace postern::server {

namespace {

constexpr std::int64_t sweep_interval = 3600;                    // seconds
constexpr std::int64_t uses_kept = std::int64_t{90} * 24 * 3600; // seconds since the last

} // namespace

void foreign_keeper::note(std::string account, std::string address, policy::foreign_fate what) {
    const auto now = now_seconds();
    const std::lock_guard lock(mutex_);
    std::pair key(std::move(account), std::move(address));
    const auto found = gathered_.find(key);
    if (found == gathered_.end() && gathered_.size() >= gathered_max) {
        ++dropped_;
        return;
    }
    auto& one = gathered_[std::move(key)];
    ++one.times;
    one.last = now;
    one.learn = one.learn || what == policy::foreign_fate::learned;
    one.refused = one.refused || what == policy::foreign_fate::refused;
}

result<void> foreign_keeper::flush() {
    pairs taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(gathered_);
    }
    if (taken.empty()) return {};
    std::vector<storage::foreign_use> uses;
    for (const auto& [names, one] : taken)
        uses.push_back({names.first, names.second, one.learn, one.times, one.last});
    const auto to_tell = identities_.note_foreign(uses);
    if (!to_tell) { // the next try has them
        const std::lock_guard lock(mutex_);
        if (gathered_.empty()) gathered_ = std::move(taken);
        return to_tell.error();
    }
    const auto config = config_.get()->config;
    for (const auto& use : *to_tell) (void)desk_.tell_learned(*config, use.account);
    if (config->identity.url.empty()) return {};
    for (const auto& [names, one] : taken)
        if (one.refused) (void)desk_.ask_account(*config, names.first, names.second);
    return {};
}

result<bool> foreign_keeper::sweep() {
    const auto now = now_seconds();
    const result<bool> nothing_more(boost::system::in_place_value, false);
    if (now >= swept_ && now - swept_ < sweep_interval) return nothing_more;
    swept_ = now;
    const auto went = identities_.sweep(now, now - uses_kept);
    if (!went) return {boost::system::in_place_error, went.error()};
    return nothing_more;
}

} // namespace postern::server

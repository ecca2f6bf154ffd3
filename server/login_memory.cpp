#include "server/login_memory.hpp"

namespace postern::server {

bool login_memory::knows(const std::string& account, const policy::digest& of, time now) {
    const auto found = by_account_.find(account);
    if (found == by_account_.end()) return false;
    const auto at = found->second;
    if (at->until <= now) {
        forget(account);
        return false;
    }
    if (!policy::equal_in_constant_time(policy::view(at->of), policy::view(of))) return false;
    by_use_.splice(by_use_.begin(), by_use_, at);
    return true;
}

void login_memory::keep(const std::string& account, const policy::digest& of, time until) {
    forget(account);
    while (!by_use_.empty() && by_use_.size() >= entries_) {
        by_account_.erase(by_use_.back().account);
        by_use_.pop_back();
    }
    if (entries_ == 0) return;
    by_use_.push_front({account, of, until});
    by_account_.emplace(account, by_use_.begin());
}

void login_memory::forget(const std::string& account) {
    const auto found = by_account_.find(account);
    if (found == by_account_.end()) return;
    by_use_.erase(found->second);
    by_account_.erase(found);
}

void login_memory::forget_all() {
    by_account_.clear();
    by_use_.clear();
}

} // namespace postern::server

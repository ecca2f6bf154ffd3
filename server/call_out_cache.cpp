#include "server/call_out_cache.hpp"

#include <utility>

namespace postern::server {

void call_out_cache::forget(std::list<entry>::iterator which) {
    entries_.erase(which->key);
    by_age_.erase(which);
}

std::optional<policy::call_out_answer> call_out_cache::find(const std::string& key, time_point now) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    if (now < found->second->until) return found->second->answer;
    forget(found->second);
    return std::nullopt;
}

void call_out_cache::keep(const std::string& key, policy::call_out_answer answer, time_point now) {
    using kind = policy::call_out_answer::kind;
    if (answer.what == kind::later) return;
    if (const auto found = entries_.find(key); found != entries_.end()) forget(found->second);
    if (entries_.size() == entries_max) forget(by_age_.begin());
    const auto until = answer.what == kind::taken ? now + taken_time : now + refused_time;
    by_age_.push_back({key, std::move(answer), until});
    entries_.emplace(key, std::prev(by_age_.end()));
}

} // namespace postern::server

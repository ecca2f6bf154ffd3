// Asking a session to end only cancels its wait: it leaves the list later, when its coroutine runs.
#include "server/roster.hpp"

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

} // namespace postern::server

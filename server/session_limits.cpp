// One mutex, taken twice in a session's life.
#include "server/session_limits.hpp"

namespace postern::server {

std::optional<session_limits::ticket> session_limits::enter(const protocol::ip_address& client, bounds within,
                                                            denial& why) {
    const std::lock_guard lock(mutex_);
    if (all_ >= within.sessions) {
        why = denial::all_taken;
        return std::nullopt;
    }
    const auto counted_as = client.client_network();
    auto& from_client = by_client_[counted_as];
    if (within.per_client != 0 && from_client >= within.per_client) {
        why = denial::too_many_from_client;
        return std::nullopt;
    }
    ++all_;
    ++from_client;
    return ticket(*this, counted_as);
}

session_limits::ticket::~ticket() {
    if (of_ != nullptr) of_->leave(client_);
}

std::size_t session_limits::sessions() const {
    const std::lock_guard lock(mutex_);
    return all_;
}

void session_limits::leave(const protocol::ip_address& client) {
    const std::lock_guard lock(mutex_);
    --all_;
    const auto found = by_client_.find(client);
    if (found != by_client_.end() && --found->second == 0) by_client_.erase(found);
}

} // namespace postern::server

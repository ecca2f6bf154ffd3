// The messages that an attempt is being made at, so that nobody else touches one meanwhile. One thread's.
#pragma once

#include "storage/queue_id.hpp"

#include <functional>
#include <map>
#include <set>

namespace postern::server {

class under_way {
  public:
    // False: somebody else has it.
    bool take(storage::queue_id id) { return taken_.insert(id).second; }
    bool has(storage::queue_id id) const { return taken_.contains(id); }
    std::size_t size() const { return taken_.size(); }
    // `then` is called once, by end(); it may take the message itself.
    void when_ended(storage::queue_id id, std::function<void()> then) {
        waiting_.emplace(id, std::move(then));
    }
    void end(storage::queue_id id);

  private:
    std::set<storage::queue_id> taken_;
    std::multimap<storage::queue_id, std::function<void()>> waiting_; // bounded by who asks (queue_steering)
};

} // namespace postern::server

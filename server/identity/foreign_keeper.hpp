// Takes note of foreign senders for the threads of sessions, and writes what has gathered each second on the
// table keeper's thread: counts, what was learned, the one mail to a user about it, and the offer to ask for
// an address that was refused.
#pragma once

#include "policy/submission/foreign_senders.hpp"
#include "server/identity/desk.hpp"
#include "server/snapshot.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace postern::server {

class foreign_keeper final : public policy::foreign_senders {
  public:
    static constexpr std::size_t gathered_max = 10'000; // pairs; more are forgotten until the next use

    // All outlive this.
    foreign_keeper(storage::identities& identities, identity_desk& desk, const live_snapshot& config)
        : identities_(identities), desk_(desk), config_(config) {}

    void note(std::string account, std::string address, policy::foreign_fate what) override; // any thread

    // For the table keeper.
    result<void> flush();
    result<bool> sweep(); // once an hour
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct gathered {
        std::uint64_t times = 0;
        std::int64_t last = 0;
        bool learn = false, refused = false;
    };
    using pairs = std::map<std::pair<std::string, std::string>, gathered>;

    storage::identities& identities_;
    identity_desk& desk_;
    const live_snapshot& config_;
    std::mutex mutex_;
    pairs gathered_;
    std::atomic<std::uint64_t> dropped_{0};
    std::int64_t swept_ = 0;
};

} // namespace postern::server

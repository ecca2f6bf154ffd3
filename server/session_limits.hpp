// How many sessions there are, in all and from one client (an IPv6 client is its /64), over all threads. A
// ticket is a place taken; its end gives it back.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

namespace postern::server {

class session_limits {
  public:
    enum class denial { all_taken, too_many_from_client };
    struct bounds {
        std::size_t sessions = 0;
        std::size_t per_client = 0; // 0 = not counted (an exempt client)
    };

    class ticket {
      public:
        ticket(session_limits& of, protocol::ip_address client) : of_(&of), client_(client) {}
        ticket(ticket&& other) noexcept : of_(other.of_), client_(other.client_) { other.of_ = nullptr; }
        ticket& operator=(ticket&&) = delete;
        ~ticket();

      private:
        session_limits* of_;
        protocol::ip_address client_;
    };

    // Any thread. The map holds at most one entry a live session.
    std::optional<ticket> enter(const protocol::ip_address& client, bounds within, denial& why);
    std::size_t sessions() const;

  private:
    void leave(const protocol::ip_address& client);

    mutable std::mutex mutex_;
    std::size_t all_ = 0;
    std::map<protocol::ip_address, std::size_t> by_client_;
};

} // namespace postern::server

// Whom mail goes to next: for each destination (a next hop) its messages in line, its connections, and how it
// has fared. A destination that does well has more connections, one that does badly fewer; one that can't be
// reached is closed for a time that doubles, and then tried with one message. Destinations take turns, and
// within a line senders do, so that no crowd keeps the others waiting. Pure but for a lock; any thread.
#pragma once

#include "conf/config.hpp"
#include "storage/queue_id.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::server {

class destinations {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::size_t connections_first = 4; // of a destination that nothing is known of
    static constexpr std::chrono::seconds closed_first{5}, closed_max{900};
    static constexpr std::chrono::seconds lately{60};      // a success since then: it isn't away
    static constexpr std::size_t waiting_max = 4'000'000;  // messages in all lines; about 150 octets each
    static constexpr std::size_t remembered_max = 100'000; // destinations that nobody waits for

    struct limits {
        std::size_t all = 200;  // connections
        std::size_t each = 20;  // connections of one destination
        std::uint64_t rate = 0; // messages a minute to one destination; 0 = any number
        bool operator==(const limits&) const = default;
    };

    // `freed` is called, on whatever thread, each time a place is free again; it throws nothing.
    destinations(limits bounds, std::function<void()> freed);
    void set_limits(limits bounds);

    // A connection's, held as long as it lives; it may outlive this. Null: there is none.
    using place = std::shared_ptr<void>;
    // At once: the destination is open, has a connection to spare, and nobody is in line.
    place take(const conf::relay_hop& hop, time_point now);
    // Why it is closed; "" = it isn't.
    std::string why_closed(const conf::relay_hop& hop, time_point now) const;

    struct in_line {
        storage::queue_id id;
        std::string sender;        // whose turn it is; senders take turns
        bool is_fresh = true;      // never tried: eight of those go for one that was
        std::int64_t also_due = 0; // unix seconds; when it is to be looked at all the same; 0 = never
    };
    static constexpr std::int64_t not_known = 1; // `also_due`: it is looked at when it is due
    bool may_wait() const;
    // A message has one place in a line: who waits there already keeps it. When it is to be looked at is what
    // was said last, if it was known, for all lines that it stands in.
    void wait(const conf::relay_hop& hop, const in_line& message);
    // In any line, and not to be looked at. `now` is unix seconds.
    bool is_waiting(storage::queue_id id, std::int64_t now) const;
    void clear(const conf::relay_hop& hop); // its line
    void forget(storage::queue_id id);      // in all lines: the message is gone
    std::size_t waiting() const;

    struct turn {
        conf::relay_hop hop;
        storage::queue_id id;
        destinations::place place; // null: the destination is closed now, and the message is to be put off
    };
    std::optional<turn> next(time_point now);
    // When next() may have something again though no place is given back; nullopt: nobody waits for a time.
    std::optional<time_point> opens_at() const;

    // It could be reached lately, and has connections to give up.
    bool was_there(const conf::relay_hop& hop, time_point now) const;
    // How it went with a server of the hop.
    void went_well(const conf::relay_hop& hop, time_point now);
    void asked_for_less(const conf::relay_hop& hop); // it is there, and busy (421 where mail could be sent)
    // None could be reached. True: it is closed now, and was not before.
    bool went_badly(const conf::relay_hop& hop, std::string why, time_point now);

    struct view {
        std::string name;
        std::size_t waiting = 0, connections = 0, connections_allowed = 0;
        unsigned failures = 0;              // in a row
        std::chrono::seconds closed_for{0}; // from now on
        std::string last_error;
    };
    // Those with anything to tell, the longest lines first, at most so many.
    std::vector<view> look(std::size_t most, time_point now) const;

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace postern::server

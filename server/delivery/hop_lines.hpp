// Messages that wait for a place at their next hop: those that are due and found none (parked: nobody else
// takes them meanwhile), and those that a hop which is back is to get whatever their time says. Pure; one
// thread's.
#pragma once

#include "conf/config.hpp"
#include "storage/queue_id.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace postern::server {

class hop_lines {
  public:
    static constexpr std::size_t of_hop_max = 500;  // in line before anybody is put off
    static constexpr std::size_t parked_max = 5000; // of all hops: each is passed over at every look

    bool may_park(const conf::relay_hop& hop) const;
    void park(const conf::relay_hop& hop, storage::queue_id id);
    bool is_parked(storage::queue_id id) const { return parked_.contains(id); }
    std::size_t parked() const { return parked_.size(); }

    void add(const conf::relay_hop& hop, storage::queue_id id);
    // Messages were put off because the line was full: see drained().
    void overflow(const conf::relay_hop& hop);

    std::vector<conf::relay_hop> hops() const; // that anybody waits for, or that have overflowed
    // The message that came first; nullopt: there is none.
    std::optional<storage::queue_id> pop(const conf::relay_hop& hop);
    void clear(const conf::relay_hop& hop);
    // True, once: nobody waits any more, and the queue has what overflowed.
    bool drained(const conf::relay_hop& hop);

  private:
    struct line {
        conf::relay_hop hop;
        std::set<storage::queue_id> waiting; // in the order of arrival
        bool overflowed = false;
    };
    std::map<std::string, line> lines_; // by to_string()
    std::set<storage::queue_id> parked_;
};

} // namespace postern::server

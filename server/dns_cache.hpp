// Answers of DNS for as long as they may be kept, within a number of entries and of octets; what was used
// longest ago goes first. Pure: the time is passed in. For one thread.
#pragma once

#include "policy/resolver.hpp"

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace postern::server {

// What is known of one question: an alias is a step on the way. Its members' `ttl` is what is left of it.
using dns_known =
    std::variant<protocol::dns_found, protocol::dns_absent, protocol::dns_alias, policy::dns_try_later>;

struct dns_cache_limits {
    std::size_t entries = 10000;       // 0: nothing is kept
    std::size_t octets = 8U << 20U;    // as octets_of() counts them
    std::uint32_t ttl = 86400;         // seconds; what may be kept longer is kept so long
    std::uint32_t negative_ttl = 3600; // the same for absences: one to three hours, RFC 2308 §5
    std::chrono::seconds failures{5};  // five minutes at the most, RFC 2308 §7.1, §7.2

    bool operator==(const dns_cache_limits&) const = default;
};

class dns_cache {
  public:
    using time = std::chrono::steady_clock::time_point;

    explicit dns_cache(const dns_cache_limits& limits) : limits_(limits) {}
    dns_cache(dns_cache&&) = default;
    dns_cache& operator=(dns_cache&&) = default;

    [[nodiscard]] std::optional<dns_known> find(const protocol::dns_question& question, time now);
    // Takes the place of what was known before. A ttl of 0 isn't kept, nor is trouble of our own: busy,
    // no_server, stopped.
    void keep(const protocol::dns_question& question, const dns_known& known, time now);
    void set_limits(const dns_cache_limits& limits); // and drops what is beyond them

    std::size_t entries() const { return by_key_.size(); }
    std::size_t octets() const { return octets_; } // at most limits.octets

  private:
    struct entry {
        std::string key;
        dns_known known;
        time until;
        std::size_t octets = 0;
    };
    using place = std::list<entry>::iterator;

    std::chrono::seconds time_to_keep(const dns_known& known) const;
    void remove(place at);
    void make_room(std::size_t octets);

    dns_cache_limits limits_;
    std::list<entry> by_use_;                            // last used first
    std::unordered_map<std::string_view, place> by_key_; // keys are the entries'
    std::size_t octets_ = 0;
};

// Equal for questions that have the same answer.
std::string key_of(const protocol::dns_question& question);
// About what an entry takes of memory.
std::size_t octets_of(const std::string& key, const dns_known& known);

} // namespace postern::server

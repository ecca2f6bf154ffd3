// What primaries said of their recipients, for a while. Pure; guarded by its owner.
#pragma once

#include "policy/call_out.hpp"

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace postern::server {

class call_out_cache {
  public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::hours taken_time{1};
    static constexpr std::chrono::minutes refused_time{5};
    static constexpr std::size_t entries_max = 20'000; // the one that was kept longest ago goes

    std::optional<policy::call_out_answer> find(const std::string& key, time_point now);
    // "Later" is never kept.
    void keep(const std::string& key, policy::call_out_answer answer, time_point now);
    std::size_t size() const { return entries_.size(); }

  private:
    struct entry {
        std::string key;
        policy::call_out_answer answer;
        time_point until;
    };
    void forget(std::list<entry>::iterator which);

    std::list<entry> by_age_;
    std::unordered_map<std::string, std::list<entry>::iterator> entries_;
};

} // namespace postern::server

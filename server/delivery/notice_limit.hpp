// How many notices go to one sender in an hour. What fails beyond that is told later: an address that a
// program or a stranger makes thousands of failures for isn't flooded, and nothing is lost without a word.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace postern::server {

class notice_limit {
  public:
    static constexpr std::int64_t window = 3600;          // seconds, from the first notice on
    static constexpr std::size_t senders_max = 10'000;    // counted apart; those beyond share one count
    static constexpr std::size_t sender_octets_max = 320; // an address that is longer shares too

    // 0: one may be sent now, and is counted. Else when the next one may, in unix seconds. `an_hour` 0 = as
    // many as there are.
    std::int64_t claim(const std::string& sender, unsigned an_hour, std::int64_t now);
    void count(const std::string& sender, std::size_t notices, std::int64_t now); // allowed or not

  private:
    struct hour {
        std::int64_t begun = 0;
        std::uint64_t notices = 0;
        bool is_over(std::int64_t now) const { return now - begun >= window || now < begun; }
    };
    hour& hour_of(const std::string& sender, std::int64_t now);

    std::mutex lock_;
    std::map<std::string, hour> senders_;
    hour others_;
};

} // namespace postern::server

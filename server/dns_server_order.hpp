// Which of several DNS servers is asked first: those that answer, in the order of the configuration, then
// those that were silent lately. Pure: the time is passed in. For one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace postern::server {

class dns_server_order {
  public:
    using time = std::chrono::steady_clock::time_point;
    // So many silences in a row make a server ill, and for so long it comes last; then the next question
    // alone tries it.
    static constexpr unsigned ill_after = 3;
    static constexpr std::chrono::seconds ill_for{10};

    explicit dns_server_order(std::size_t servers) : all_(servers) {}

    // Every server once.
    std::vector<std::size_t> next(time now);
    void answered(std::size_t server); // whatever the answer was
    void silent(std::size_t server, time now);
    bool is_ill(std::size_t server) const { return all_[server].silences >= ill_after; }

  private:
    struct state {
        unsigned silences = 0; // in a row, up to ill_after
        time last_until;       // while ill
    };
    std::vector<state> all_;
};

} // namespace postern::server

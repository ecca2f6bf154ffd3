#include "server/dns_server_order.hpp"

#include <algorithm>

namespace postern::server {

std::vector<std::size_t> dns_server_order::next(time now) {
    std::vector<std::size_t> first, last;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        const bool is_last = is_ill(i) && now < all_[i].last_until;
        if (is_ill(i) && !is_last) all_[i].last_until = now + ill_for; // this question alone tries it
        (is_last ? last : first).push_back(i);
    }
    first.insert(first.end(), last.begin(), last.end());
    return first;
}

void dns_server_order::answered(std::size_t server) { all_[server].silences = 0; }

void dns_server_order::silent(std::size_t server, time now) {
    auto& one = all_[server];
    one.silences = std::min(one.silences + 1, ill_after);
    if (is_ill(server)) one.last_until = now + ill_for;
}

} // namespace postern::server

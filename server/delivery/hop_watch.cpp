#include "server/delivery/hop_watch.hpp"

#include <set>
#include <utility>

namespace postern::server {

bool hop_watch::reached(const conf::relay_hop& hop) {
    auto& known = hops_[hop.to_string()];
    known.hop = hop;
    known.why.clear();
    return std::exchange(known.is, standing::there) != standing::there;
}

bool hop_watch::missed(const conf::relay_hop& hop, std::string why, time_point now) {
    auto& known = hops_[hop.to_string()];
    known.hop = hop;
    known.why = std::move(why);
    known.next_probe = now + probe_interval;
    return std::exchange(known.is, standing::away) != standing::away;
}

std::string hop_watch::why_away(const conf::relay_hop& hop) const {
    const auto found = hops_.find(hop.to_string());
    return found != hops_.end() && found->second.is == standing::away ? found->second.why : std::string();
}

void hop_watch::follow(const conf::relay_settings& routes) {
    std::set<std::string> wanted;
    const auto want = [&](const conf::relay_hop& hop) {
        auto key = hop.to_string();
        hops_[key].hop = hop;
        wanted.insert(std::move(key));
    };
    for (const auto& route : routes.routes) want(route.next_hop);
    if (routes.smart_hop) want(*routes.smart_hop);
    std::erase_if(hops_, [&](const auto& one) { return !wanted.contains(one.first); });
}

std::vector<conf::relay_hop> hop_watch::to_probe(const conf::relay_settings& routes, time_point now) {
    follow(routes);
    std::vector<conf::relay_hop> due;
    std::vector<entry*> asked; // marked when all memory is there: one that nobody asks would stay away
    for (auto& [key, known] : hops_) {
        if (known.is == standing::there || known.is_asked || now < known.next_probe ||
            due.size() == probes_max)
            continue;
        due.push_back(known.hop);
        asked.push_back(&known);
    }
    for (auto* one : asked) {
        one->next_probe = now + probe_interval;
        one->is_asked = true;
    }
    return due;
}

void hop_watch::probed(const conf::relay_hop& hop) {
    const auto found = hops_.find(hop.to_string());
    if (found != hops_.end()) found->second.is_asked = false;
}

} // namespace postern::server

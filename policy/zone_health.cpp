#include "policy/zone_health.hpp"

#include "policy/questions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::policy {

bool zone_health::is_set_aside(std::string_view zone) const {
    const std::lock_guard lock(mutex_);
    const auto at = zones_.find(zone);
    return at != zones_.end() && !at->second.trouble.empty();
}

bool zone_health::is_examined(std::string_view zone) const {
    const std::lock_guard lock(mutex_);
    const auto at = zones_.find(zone);
    return at != zones_.end() && at->second.examined;
}

void zone_health::odd_answer(std::string_view zone, std::string_view answer) {
    const std::lock_guard lock(mutex_);
    zones_[std::string(zone)].odd = answer;
}

void zone_health::note(const std::string& zone, std::string trouble) {
    const std::lock_guard lock(mutex_);
    auto& one = zones_[zone];
    one.changed = one.changed || one.trouble.empty() != trouble.empty();
    one.trouble = std::move(trouble);
    one.examined = true;
}

void zone_health::forget_all_but(const std::vector<std::string>& zones) {
    const std::lock_guard lock(mutex_);
    std::erase_if(zones_,
                  [&](const auto& one) { return std::ranges::find(zones, one.first) == zones.end(); });
}

std::vector<zone_health::state> zone_health::look() {
    const std::lock_guard lock(mutex_);
    std::vector<state> all;
    for (auto& [zone, one] : zones_)
        all.push_back({zone, one.trouble, std::exchange(one.odd, {}), std::exchange(one.changed, false)});
    return all;
}

boost::asio::awaitable<std::string> trouble_of_zone(resolver& dns, tasks& beside, dns_deadline until,
                                                    std::string zone) {
    const auto at = protocol::dns_name::parse(zone);
    if (!at) co_return "its name is none";
    constexpr std::array<std::array<std::uint8_t, 4>, 2> points{{{127, 0, 0, 2}, {127, 0, 0, 1}}};
    questions all(dns, beside, until);
    for (std::size_t i = 0; i < points.size(); ++i) {
        auto name = protocol::reverse_name(protocol::ip_address::v4(points[i]), *at);
        if (!name) co_return "its name is too long";
        protocol::dns_question question{std::move(*name), protocol::dns_type::a};
        all.ask(std::move(question), i);
    }
    std::string trouble;
    while (all.open() != 0) {
        const auto one = co_await all.next();
        const bool found = std::holds_alternative<protocol::dns_found>(one.what);
        const bool absent = std::holds_alternative<protocol::dns_absent>(one.what);
        if (one.mark == 0 && absent)
            trouble = "it doesn't list 127.0.0.2, as every list must (RFC 5782 section 5)";
        if (one.mark == 1 && found) trouble = "it lists 127.0.0.1, as no list may (RFC 5782 section 5)";
    }
    co_return trouble;
}

} // namespace postern::policy

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

namespace {

// RFC 5782 §5: what a list of IPv4 addresses, and one of IPv6 addresses (::ffff:7f00:2), has and has not.
struct test_point {
    std::string_view labels, address;
    bool must_be_listed;
};
constexpr std::array<test_point, 4> points{{
    {"2.0.0.127", "127.0.0.2", true},
    {"1.0.0.127", "127.0.0.1", false},
    {"2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "::ffff:7f00:2", true},
    {"1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "::ffff:7f00:1", false},
}};

} // namespace

boost::asio::awaitable<std::string> trouble_of_zone(resolver& dns, tasks& beside, dns_deadline until,
                                                    std::string zone) {
    if (!protocol::dns_name::parse(zone)) co_return "its name is none";
    questions all(dns, beside, until);
    for (std::size_t i = 0; i < points.size(); ++i) {
        auto name = protocol::dns_name::parse(std::string(points[i].labels) + '.' + zone);
        if (!name) co_return "its name is too long";
        protocol::dns_question question{std::move(*name), protocol::dns_type::a};
        all.ask(std::move(question), i);
    }
    std::string wrong;
    std::size_t missing = 0;
    while (all.open() != 0) {
        const auto one = co_await all.next();
        const auto& point = points[one.mark];
        if (std::holds_alternative<protocol::dns_found>(one.what) && !point.must_be_listed)
            wrong = "it lists " + std::string(point.address) + ", as no list may (RFC 5782 section 5)";
        if (std::holds_alternative<protocol::dns_absent>(one.what) && point.must_be_listed) ++missing;
    }
    if (wrong.empty() && missing == 2)
        wrong = "it lists neither 127.0.0.2 nor ::ffff:7f00:2, as every list must (RFC 5782 section 5)";
    co_return wrong;
}

} // namespace postern::policy

#include "server/zone_watch.hpp"

#include <fmt/format.h>

namespace postern::server {
namespace {

constexpr std::chrono::hours interval{1};

boost::asio::awaitable<void> examine(policy::zone_health& health, dns_resolver& dns, policy::tasks& beside,
                                     std::chrono::milliseconds timeout, std::string zone) {
    auto asking = policy::trouble_of_zone(dns, beside, dns.deadline(timeout), zone);
    std::string trouble = co_await std::move(asking);
    health.note(zone, std::move(trouble));
}

} // namespace

void zone_watch::look(std::chrono::steady_clock::time_point now,
                      const std::shared_ptr<const conf::config>& config, dns_resolver& dns,
                      policy::tasks& beside, log& journal) {
    tell(journal);
    std::vector<std::string> wanted;
    for (const auto& zone : config->dnsbl.zones) wanted.push_back(zone.name);
    if (wanted == zones_ && now - examined_ < interval) return;
    zones_ = std::move(wanted);
    examined_ = now;
    health_.forget_all_but(zones_);
    for (const auto& zone : zones_) beside.begin(examine(health_, dns, beside, config->dns.timeout, zone));
}

void zone_watch::tell(log& journal) {
    alarms_.clear();
    for (const auto& one : health_.look()) {
        if (!one.trouble.empty())
            alarms_.push_back(fmt::format("the blocklist {} is not asked: {}", one.zone, one.trouble));
        if (one.changed && one.trouble.empty())
            journal.note(fmt::format("dnsbl: {} is asked again", one.zone));
        if (one.changed && !one.trouble.empty())
            journal.fault(fmt::format("dnsbl: {} is set aside: {}", one.zone, one.trouble));
        if (!one.odd.empty())
            journal.fault(fmt::format("dnsbl: {} answered {}, which no list gives; it doesn't count (does it "
                                      "refuse your resolver?)",
                                      one.zone, one.odd));
    }
}

std::vector<std::string> zone_watch::alarms() { return alarms_; }

} // namespace postern::server

#include "server/resolver_check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {

namespace {

std::string servers_text(const resolver_settings& settings) {
    std::string all;
    for (const auto& one : settings.servers) all += (all.empty() ? "" : ", ") + one.to_string();
    return all;
}

bool are_believed(const resolver_settings& settings) {
    return std::ranges::all_of(settings.servers, [&](const conf::endpoint& one) {
        return is_ad_believed(settings.trust_ad, one.address);
    });
}

} // namespace

boost::asio::awaitable<resolver_standing> examine(policy::resolver& whom, const resolver_settings& settings,
                                                  policy::dns_deadline until) {
    const bool is_believed = are_believed(settings);
    auto asking = whom.look_up({protocol::dns_name(), protocol::dns_type::a}, until);
    const policy::dns_result result = co_await std::move(asking);
    if (std::holds_alternative<policy::dns_try_later>(result)) co_return resolver_standing::unknown;
    if (!is_believed) co_return resolver_standing::unbelieved;
    const auto* absent = std::get_if<protocol::dns_absent>(&result);
    const auto* found = std::get_if<protocol::dns_found>(&result);
    const bool is_validated = absent != nullptr ? absent->authenticated : found->authenticated;
    co_return is_validated ? resolver_standing::validates : resolver_standing::unvalidated;
}

std::string standing_text(resolver_standing what, const resolver_settings& settings) {
    const auto servers = servers_text(settings);
    switch (what) {
    case resolver_standing::unknown: return servers + " does not answer";
    case resolver_standing::validates: return servers + " validates answers (DNSSEC)";
    case resolver_standing::unbelieved:
        return servers +
               " answers; that an answer was validated (DNSSEC) is not believed of it (dns.trust_ad): "
               "for DANE run a validating resolver on this machine, such as unbound";
    case resolver_standing::unvalidated:
        return servers +
               " answers and does not validate (DNSSEC): for DANE run a validating resolver on this "
               "machine, such as unbound";
    }
    return {};
}

} // namespace postern::server

#include "server/route.hpp"

#include "conf/settings.hpp"
#include "protocol/smtp/address.hpp"

namespace postern::server {

std::optional<mail_peer> lmtp_for(const conf::config& config, const storage::queued_recipient& to) {
    if (to.route != storage::recipient_route::local) return std::nullopt;
    const auto server = conf::parse_lmtp(config.local.transport);
    if (!server) return std::nullopt;
    return mail_peer{*server, protocol::client_protocol::lmtp};
}

const conf::relay_hop* primary_for(const conf::config& config, const storage::queued_recipient& to) {
    if (to.route != storage::recipient_route::outside) return nullptr;
    const auto address = protocol::parse_address(to.address);
    if (!address) return nullptr;
    const auto* route = conf::find_route(config, address->domain);
    return route == nullptr ? nullptr : &route->next_hop;
}

std::optional<conf::relay_hop> hop_for(const conf::config& config, const storage::queued_recipient& to) {
    if (to.route != storage::recipient_route::outside) return std::nullopt;
    const auto address = protocol::parse_address(to.address);
    if (!address || address->domain.empty()) return std::nullopt;
    if (const auto* route = conf::find_route(config, address->domain)) return route->next_hop;
    if (config.relay.smart_hop) return config.relay.smart_hop;
    return conf::relay_hop{conf::relay_hop::kind::domain, {{}, config.relay.port}, address->domain};
}

bool has_next_hop(const conf::config& config, const storage::queued_recipient& to) {
    return lmtp_for(config, to).has_value() || hop_for(config, to).has_value();
}

} // namespace postern::server

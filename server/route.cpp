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

bool has_next_hop(const conf::config& config, const storage::queued_recipient& to) {
    return lmtp_for(config, to).has_value() || primary_for(config, to) != nullptr;
}

} // namespace postern::server

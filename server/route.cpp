#include "server/route.hpp"

#include "conf/settings.hpp"
#include "protocol/smtp/address.hpp"

namespace postern::server {

const conf::endpoint* primary_for(const conf::config& config, const storage::queued_recipient& to) {
    if (to.route != storage::recipient_route::outside) return nullptr;
    const auto address = protocol::parse_address(to.address);
    if (!address) return nullptr;
    const auto* route = conf::find_route(config, address->domain);
    return route == nullptr ? nullptr : &route->next_hop;
}

std::optional<mail_peer> peer_for(const conf::config& config, const storage::queued_recipient& to) {
    if (to.route == storage::recipient_route::local) {
        const auto server = conf::parse_lmtp(config.local.transport);
        if (!server) return std::nullopt;
        return mail_peer{*server, protocol::client_protocol::lmtp};
    }
    const auto* primary = primary_for(config, to);
    if (primary == nullptr) return std::nullopt;
    return mail_peer{{{}, *primary}, protocol::client_protocol::smtp};
}

} // namespace postern::server

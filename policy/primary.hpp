// What a secondary does not deliver itself: mail of domains with a primary (relay.route) is held for it.
// Pure.
#pragma once

#include "conf/config.hpp"
#include "protocol/smtp/address.hpp"
#include "storage/resolve.hpp"

namespace postern::policy {

// What becomes of a resolution on such a listener. `ask`: the domain isn't in our tables, so only its primary
// knows whether there is such a recipient; nullptr = nobody needs to be asked.
struct held_recipient {
    storage::resolution leads_to;
    const conf::relay_hop* ask = nullptr; // lives as long as `config`
};
held_recipient hold_for_primary(const conf::config& config, const conf::listener_settings& listener,
                                const protocol::address& asked, storage::resolution found);

} // namespace postern::policy

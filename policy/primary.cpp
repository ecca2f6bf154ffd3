// The primary expands its aliases itself, as they are there: an address of its domain goes to it as it was
// asked for. An alias of another domain that leads into one is expanded here, and held for it.
#include "policy/primary.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using storage::resolution_kind;

void hold_each(const conf::config& config, storage::resolution& found) {
    for (auto& one : found.recipients) {
        if (!one.local) continue;
        const auto address = protocol::parse_address(one.address);
        if (address && conf::find_route(config, address->domain) != nullptr) one = {one.address, false, 0};
    }
}

} // namespace

held_recipient hold_for_primary(const conf::config& config, const conf::listener_settings& listener,
                                const protocol::address& asked, storage::resolution found) {
    held_recipient made{std::move(found), nullptr};
    if (listener.role != conf::listener_role::secondary) return made;
    auto& leads_to = made.leads_to;
    const auto* route = conf::find_route(config, asked.domain);
    if (route == nullptr) {
        hold_each(config, leads_to);
        return made;
    }
    // What a forwarded sender stands for, the primary knows.
    const bool is_hosted =
        leads_to.kind != resolution_kind::not_ours && !protocol::is_rewritten_sender(asked.local);
    if (is_hosted && leads_to.kind != resolution_kind::found) return made; // refused here and now
    if (!is_hosted) made.ask = &route->next_hop;
    leads_to.kind = resolution_kind::found;
    leads_to.recipients = {{asked.to_string(), false, 0}};
    return made;
}

} // namespace postern::policy

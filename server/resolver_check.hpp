// What a resolver is good for, found out by asking it: does it answer, and is its word believed that an
// answer was validated (DNSSEC)?
#pragma once

#include "policy/resolver.hpp"
#include "server/resolver_settings.hpp"

#include <string>

namespace postern::server {

enum class resolver_standing {
    unknown,     // it said nothing of use: there may be no network yet
    validates,   // a signed name came back with AD, from whom it is believed
    unbelieved,  // its servers aren't on this machine, or dns.trust_ad is "never"
    unvalidated, // a signed name came back without AD
};

// Asks for the root, which is signed since 2010 and asks nobody for a name of ours. Never fails.
boost::asio::awaitable<resolver_standing> examine(policy::resolver& whom, const resolver_settings& settings,
                                                  policy::dns_deadline until);

// For the operator: "127.0.0.1:53 validates answers (DNSSEC)", with the cure where something is amiss.
std::string standing_text(resolver_standing what, const resolver_settings& settings);

} // namespace postern::server

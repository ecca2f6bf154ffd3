// What DNS servers are good for, found out by asking each of them: does it answer, and is its word believed
// that an answer was validated (DNSSEC)?
#pragma once

#include "server/counters.hpp"
#include "server/resolver_settings.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>

namespace postern::server {

enum class server_standing {
    asked,       // and hasn't answered yet
    useless,     // it said nothing of use: there may be no network yet
    validates,   // a signed name came back with AD, and its AD is believed
    unbelieved,  // it answers, and isn't on this machine, or dns.trust_ad is "never"
    unvalidated, // a signed name came back without AD
};

// Asks the server with this index for the root, which is signed since 2010 and asks nobody for a name of
// ours. Never from memory, within settings.timeout, never fails. `on` and `counts` outlive it.
boost::asio::awaitable<server_standing> examine(boost::asio::any_io_executor on, resolver_settings settings,
                                                std::size_t index, dns_counts& counts);

// For the operator: "127.0.0.1:53 validates answers (DNSSEC)", all servers in one line, with the cure where
// something is amiss. `standings` are in step with the settings' servers; those that lack were only asked.
std::string standing_text(const resolver_settings& settings, std::span<const server_standing> standings);

// Why mail can't be secured by DANE, or not always: servers that answer, and whose answers count as not
// validated. "" = nothing is known against it.
std::string dane_trouble(const resolver_settings& settings, std::span<const server_standing> standings);

} // namespace postern::server

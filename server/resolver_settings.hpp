// What a resolver works by: the configuration's section dns, with the servers of /etc/resolv.conf where it
// names none.
#pragma once

#include "conf/config.hpp"
#include "server/dns_cache.hpp"

#include <string_view>

namespace postern::server {

inline constexpr std::size_t resolv_conf_servers_max = 3; // MAXNS of resolv.conf(5)

struct resolver_settings {
    std::vector<conf::endpoint> servers; // at most conf::dns_servers_max
    std::chrono::milliseconds timeout{5000};
    conf::ad_trust trust_ad = conf::ad_trust::loopback;
    std::size_t max_in_flight = 1000; // different questions
    dns_cache_limits cache;

    bool operator==(const resolver_settings&) const = default;
};

// The servers are read from the file when the settings have none; a file that can't be read has none either.
resolver_settings resolver_settings_of(const conf::dns_settings& from,
                                       const std::string& resolv_conf = "/etc/resolv.conf");

// resolv.conf(5): the first three "nameserver" lines; without any the machine itself. An address with a zone
// (fe80::1%eth0) is left out.
std::vector<conf::endpoint> servers_in(std::string_view resolv_conf);

// Is the AD bit of a server there believed?
bool is_ad_believed(conf::ad_trust trust, const protocol::ip_address& server);

} // namespace postern::server

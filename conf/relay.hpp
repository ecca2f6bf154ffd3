// Where mail for others goes, and how. Part of config.hpp.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::conf {

// "0.0.0.0:25", "[::1]:25". Port 0 = any.
struct endpoint {
    protocol::ip_address address;
    std::uint16_t port = 0;
    std::string to_string() const;
    bool operator==(const endpoint&) const = default;
};

// Where a domain's mail goes: to an address, to a host of that name, to those of the domain's MX hosts that
// stand before this server (it is one of them), or to the domain as anybody's mail does.
struct relay_hop {
    enum class kind { address, host, mx, domain };
    kind what = kind::address;
    endpoint address;              // of all others the port alone
    std::string name;              // canonical: the host's, or the domain whose MX records are followed
    std::string to_string() const; // "192.0.2.7:25", "mx1.example.net:25", "mx:example.org", "example.org"
    bool operator==(const relay_hop&) const = default;
};

// Mail for the domain goes there and nowhere else.
struct relay_route {
    std::string domain; // canonical
    std::string server; // what parse_relay_server() (settings.hpp) reads
    relay_hop next_hop; // that, read
    bool operator==(const relay_route&) const = default;
};

// Encryption towards MX hosts.
enum class relay_tls {
    dane,          // where the server has it, and proved where its domain publishes TLSA records (RFC 7672)
    opportunistic, // where the server has it (RFC 7435)
    off,
};

struct relay_settings {
    std::uint16_t port = 25;            // of MX hosts
    std::string smarthost;              // what parse_relay_server() reads; "" = none
    std::optional<relay_hop> smart_hop; // that, read
    std::string smarthost_user;         // for AUTH; "" = no login
    std::string smarthost_password_file;
    relay_tls tls = relay_tls::dane;
    std::uint64_t connections = 200;            // at the same time, to all servers
    std::uint64_t destination_connections = 20; // at the same time, to one destination
    std::uint64_t destination_rate = 0;         // messages a minute to one destination; 0 = any number
    bool srs = true;                            // forwarded mail leaves with a sender of ours
    std::string srs_domain;                     // canonical: of those senders; "" = that of the alias
    std::chrono::seconds srs_max_age{};
    std::vector<relay_route> routes; // by domain, each once
    bool operator==(const relay_settings&) const = default;
};

} // namespace postern::conf

#include "conf/whole_file_checks.hpp"

#include "conf/locate.hpp"
#include "conf/settings.hpp"
#include "conf/text_checks.hpp"

#include "protocol/scan/order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace postern::conf {

namespace {

std::string listener_key(std::size_t index, std::string_view rest) {
    return fmt::format("listener[{}].{}", index, rest);
}

void check_presence(const toml::table& root, findings& found) {
    const auto* node = root.get("listener");
    if (node != nullptr && (!node->is_array() || !node->as_array()->empty())) return;
    found.error(place_of(root, "listener"), "listener",
                "no [[listener]] is configured; add one with name and address");
}

void check_names(const config& read, const toml::table& root, findings& found) {
    std::map<std::string_view, std::size_t> first;
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const std::string_view name = read.listeners[i].name;
        if (name.empty()) continue; // missing or wrong, and reported so
        const auto [other, is_new] = first.try_emplace(name, i);
        if (is_new) continue;
        const auto key = listener_key(i, "name");
        found.error(place_of(root, key), key,
                    fmt::format("\"{}\" is already the name of listener[{}]; give each its own", name,
                                other->second));
    }
}

struct taken_address {
    std::string text;
    std::string_view listener;
};

// Of one port and family: "0.0.0.0" and "[::]" take all its addresses. (The one never takes the other's.)
struct taken_port {
    std::optional<taken_address> all;
    std::optional<taken_address> some; // the first of them
};

bool is_all(const protocol::ip_address& address) {
    const auto bytes = address.bytes();
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

class address_check {
  public:
    // What is wrong with one more address; "" = nothing.
    std::string add(const endpoint& one, std::string_view listener) {
        if (one.port == 0) return {}; // any port: never the same one
        const taken_address mine{one.to_string(), listener};
        const auto [other, is_new] = seen_.try_emplace(mine.text, listener);
        if (!is_new)
            return fmt::format(
                "\"{}\" is already an address of listener \"{}\"; give it another port or remove it",
                mine.text, other->second);
        auto& port = ports_[{one.port, one.address.is_v4()}];
        const bool all = is_all(one.address);
        auto& same_kind = all ? port.all : port.some;
        const auto& other_kind = all ? port.some : port.all;
        if (!same_kind) same_kind = mine;
        if (!other_kind) return {};
        const auto& wide = all ? mine : *other_kind;
        const auto& narrow = all ? *other_kind : mine;
        return fmt::format("\"{}\" of listener \"{}\" takes in \"{}\" of listener \"{}\"; remove one of them "
                           "or give it another port",
                           wide.text, wide.listener, narrow.text, narrow.listener);
    }

  private:
    std::map<std::string, std::string_view> seen_;
    std::map<std::pair<std::uint16_t, bool>, taken_port> ports_;
};

void check_addresses(const config& read, const toml::table& root, findings& found) {
    address_check check;
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto& listener = read.listeners[i];
        for (std::size_t k = 0; k < listener.addresses.size(); ++k) {
            const auto problem = check.add(listener.addresses[k], listener.name);
            if (problem.empty()) continue;
            const auto key = listener_key(i, fmt::format("address[{}]", k));
            found.error(place_of(root, key), key, problem);
        }
    }
}

// What is wrong with one address of a listener beside that of admin.http; "" = nothing.
std::string http_collision(const endpoint& http, const endpoint& one, std::string_view listener) {
    if (http.port == 0 || http.port != one.port || http.address.is_v4() != one.address.is_v4()) return {};
    constexpr std::string_view cure = "give admin.http another port";
    if (http == one)
        return fmt::format("\"{}\" is already an address of listener \"{}\"; {}", http.to_string(), listener,
                           cure);
    if (is_all(one.address))
        return fmt::format("\"{}\" of listener \"{}\" takes in admin.http = \"{}\"; {}", one.to_string(),
                           listener, http.to_string(), cure);
    if (is_all(http.address))
        return fmt::format("admin.http = \"{}\" takes in \"{}\" of listener \"{}\"; {}", http.to_string(),
                           one.to_string(), listener, cure);
    return {};
}

// At the first listener that is in its way. An admin.http that isn't in the file has its default.
void check_http_is_alone(const endpoint& http, const config& read, const toml::table& root, findings& found) {
    const std::string key = "admin.http";
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto& listener = read.listeners[i];
        for (std::size_t k = 0; k < listener.addresses.size(); ++k) {
            const auto problem = http_collision(http, listener.addresses[k], listener.name);
            if (problem.empty()) continue;
            const auto at =
                node_at(root, key) != nullptr ? key : listener_key(i, fmt::format("address[{}]", k));
            return found.error(place_of(root, at), at, problem);
        }
    }
}

void check_http(const config& read, const toml::table& root, findings& found) {
    const auto where = parse_endpoint(read.admin.http);
    if (!where) return;
    check_http_is_alone(*where, read, root, found);
    const std::string key = "admin.http";
    if (!where->address.is_loopback())
        found.warning(place_of(root, key), key,
                      fmt::format("{} can be reached from other machines, and there is no password: a "
                                  "firewall must keep strangers out; or write \"127.0.0.1:{}\"",
                                  where->to_string(), where->port));
}

bool is_nobody(const protocol::ip_address& address) { // 0.0.0.0 or ::
    const auto bytes = address.bytes();
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

void check_dns(const config& read, const toml::table& root, findings& found) {
    const auto& servers = read.dns.servers;
    if (servers.size() > dns_servers_max)
        found.error(place_of(root, "dns.servers"), "dns.servers",
                    fmt::format("{} servers stand there; write at most {}", servers.size(), dns_servers_max));
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const auto key = fmt::format("dns.servers[{}]", i);
        if (servers[i].port == 0)
            found.error(place_of(root, key), key, "a server has a port, most often 53; write it");
        if (is_nobody(servers[i].address))
            found.error(place_of(root, key), key,
                        "nobody has this address; write 127.0.0.1 for a resolver on this machine");
        if (std::find(servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(i), servers[i]) !=
            servers.begin() + static_cast<std::ptrdiff_t>(i))
            found.error(place_of(root, key), key, "stands there twice; remove one");
    }
}

// What is wrong with a next hop beside a listener's address; "" = nothing. What this can't see, the next
// hop's greeting tells (protocol::client_settings::own_names).
std::string hop_collision(const endpoint& hop, const endpoint& one, std::string_view listener,
                          std::string_view wanted) {
    if (hop.port != one.port || hop.address.is_v4() != one.address.is_v4()) return {};
    const bool ours = hop == one || (is_all(one.address) && hop.address.is_loopback());
    if (!ours) return {};
    return fmt::format(
        "{} is this server's own listener \"{}\": its mail would go round in circles; write the "
        "address of {}",
        hop.to_string(), listener, wanted);
}

toml::source_region place_of_route(const toml::table& root, std::string_view domain) {
    const auto* node = node_at(root, "relay.route");
    if (node == nullptr || !node->is_table()) return {};
    for (const auto& [key, element] : *node->as_table())
        if (const auto written = domain_name(key.str()); written.has_value() && *written == domain)
            return element.source();
    return {};
}

// `wanted`: whose address is to be written.
void check_hop(const config& read, const relay_hop& hop, const toml::source_region& where,
               const std::string& key, std::string_view wanted, findings& found) {
    if (hop.address.port == 0) found.error(where, key, "a server has a port, most often 25; write it");
    if (hop.what == relay_hop::kind::host && hop.name == read.server.hostname)
        found.error(where, key,
                    fmt::format("{} is this server's own name: its mail would go round in circles; "
                                "write that of {}",
                                hop.name, wanted));
    if (hop.what != relay_hop::kind::address) return;
    if (is_nobody(hop.address.address))
        found.error(where, key, fmt::format("nobody has this address; write that of {}", wanted));
    for (const auto& listener : read.listeners)
        for (const auto& one : listener.addresses)
            if (auto problem = hop_collision(hop.address, one, listener.name, wanted); !problem.empty())
                found.error(where, key, std::move(problem));
}

void check_login(const relay_settings& relay, const toml::table& root, findings& found) {
    const std::string user = "relay.smarthost_user", file = "relay.smarthost_password_file";
    if (relay.smarthost_user.empty() != relay.smarthost_password_file.empty()) {
        const auto& there = relay.smarthost_user.empty() ? file : user;
        const auto& wanted = relay.smarthost_user.empty() ? user : file;
        found.error(place_of(root, there), there,
                    fmt::format("a login needs both; write {} as well", wanted));
    }
    if (relay.smarthost_user.empty()) return;
    if (!relay.smart_hop)
        found.error(place_of(root, user), user, "there is no smarthost to log in at; write relay.smarthost");
    else if (relay.smart_hop->what != relay_hop::kind::host)
        found.error(
            place_of(root, "relay.smarthost"), "relay.smarthost",
            "a certificate proves a name, and a login needs that; write the smarthost's name instead of "
            "its address");
}

void check_hops(const config& read, const toml::table& root, findings& found) {
    for (const auto& route : read.relay.routes)
        check_hop(read, route.next_hop, place_of_route(root, route.domain),
                  fmt::format("relay.route.{}", route.domain), "the domain's primary", found);
    if (read.relay.smart_hop)
        check_hop(read, *read.relay.smart_hop, place_of(root, "relay.smarthost"), "relay.smarthost",
                  "the smarthost", found);
    check_login(read.relay, root, found);
}

std::string names_of_tiers(const config& read) {
    std::string names;
    for (const auto& one : read.tiers) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", one.name);
    return names;
}

void check_tiers(const config& read, const toml::table& root, findings& found) {
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto key = listener_key(i, "tier");
        const auto* node = node_at(root, key);
        const auto* tier = find_tier(read, read.listeners[i].tier);
        const auto& where = node != nullptr ? node->source() : place_of(root, key);
        if (tier == nullptr)
            found.error(where, key,
                        fmt::format("there is no tier \"{}\"; write [tier.{}] or name one of {}",
                                    read.listeners[i].tier, read.listeners[i].tier, names_of_tiers(read)));
    }
}

void check_extensions(const config& read, const toml::table& root, findings& found) {
    constexpr auto most = protocol::scan::extensions_max;
    const auto count = read.attachments.extensions.size();
    if (count <= most) return;
    const std::string key = "attachments.extensions";
    found.error(place_of(root, key), key,
                fmt::format("has {} extensions and may have {}; write fewer", count, most));
}

void check_spam(const config& read, const toml::table& root, findings& found) {
    constexpr auto phrases_max = protocol::scan::phrases_max;
    if (read.spam.junk_score > read.spam.reject_score)
        found.error(
            place_of(root, "spam.junk_score"), "spam.junk_score",
            fmt::format("{} lies above reject_score, {}: nothing would go into the Junk folder; write "
                        "less",
                        read.spam.junk_score, read.spam.reject_score));
    if (read.spam.phrases.size() > phrases_max)
        found.error(
            place_of(root, "spam.phrase"), "spam.phrase",
            fmt::format("{} phrases are more than {}; remove some", read.spam.phrases.size(), phrases_max));
}

// Passwords never go over the wire in the clear.
void check_submission(const config& read, const toml::table& root, findings& found) {
    for (std::size_t i = 0; i < read.listeners.size(); ++i) {
        const auto& one = read.listeners[i];
        if (one.role != listener_role::submission || one.tls != tls_mode::off) continue;
        const auto key = listener_key(i, "tls");
        found.error(place_of(root, key), key,
                    "people who authenticate need encryption; write \"starttls\" or \"implicit\"");
    }
}

} // namespace

void check_whole_file(const config& read, const toml::table& root, findings& found) {
    check_presence(root, found);
    check_names(read, root, found);
    check_addresses(read, root, found);
    check_http(read, root, found);
    check_dns(read, root, found);
    check_hops(read, root, found);
    check_tiers(read, root, found);
    check_extensions(read, root, found);
    check_spam(read, root, found);
    check_submission(read, root, found);
}

} // namespace postern::conf

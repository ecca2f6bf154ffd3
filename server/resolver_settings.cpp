#include "server/resolver_settings.hpp"

#include <fstream>
#include <sstream>

namespace postern::server {

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t resolv_conf_max = 64U << 10U; // octets that are read of it

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text(resolv_conf_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    return text;
}

} // namespace

std::vector<conf::endpoint> servers_in(std::string_view resolv_conf) {
    std::vector<conf::endpoint> servers;
    std::istringstream lines{std::string(resolv_conf)};
    for (std::string line; std::getline(lines, line) && servers.size() < resolv_conf_servers_max;) {
        std::istringstream words(line);
        std::string key, address;
        words >> key >> address;
        if (key != "nameserver") continue;
        if (const auto read = protocol::ip_address::parse(address)) servers.push_back({*read, dns_port});
    }
    if (servers.empty()) servers.push_back({*protocol::ip_address::parse("127.0.0.1"), dns_port});
    return servers;
}

resolver_settings resolver_settings_of(const conf::dns_settings& from, const std::string& resolv_conf) {
    resolver_settings made;
    made.servers = from.servers.empty() ? servers_in(text_of(resolv_conf)) : from.servers;
    made.timeout = from.timeout;
    made.trust_ad = from.trust_ad;
    made.max_in_flight = from.max_in_flight;
    made.cache.entries = from.cache_entries;
    made.cache.octets = from.cache_size;
    made.cache.ttl = static_cast<std::uint32_t>(from.max_ttl.count());
    made.cache.negative_ttl = static_cast<std::uint32_t>(from.max_negative_ttl.count());
    return made;
}

bool is_ad_believed(conf::ad_trust trust, const protocol::ip_address& server) {
    switch (trust) {
    case conf::ad_trust::loopback: return server.is_loopback();
    case conf::ad_trust::always: return true;
    case conf::ad_trust::never: return false;
    }
    return false;
}

} // namespace postern::server

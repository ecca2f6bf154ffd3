#include "server/own_addresses.hpp"

#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

namespace postern::server {

std::vector<protocol::ip_address> own_addresses() {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, &::freeifaddrs);
    std::vector<protocol::ip_address> made;
    for (const auto* one = first; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr) continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, one->ifa_addr, sizeof v4);
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
            made.push_back(protocol::ip_address::v4(std::span<const std::uint8_t, 4>(bytes, 4)));
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, one->ifa_addr, sizeof v6);
            made.push_back(protocol::ip_address::v6(v6.sin6_addr.s6_addr));
        }
    }
    return made;
}

} // namespace postern::server

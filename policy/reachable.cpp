// The networks for examples (RFC 5737, RFC 3849) are not among them: nobody loses mail by that, and tests use
// them.
#include "policy/reachable.hpp"

#include "protocol/net/cidr.hpp"

#include <vector>

namespace postern::policy {

namespace {

std::vector<protocol::cidr> networks_of(std::initializer_list<const char*> texts) {
    std::vector<protocol::cidr> all;
    for (const auto* text : texts) all.push_back(*protocol::cidr::parse(text));
    return all;
}

} // namespace

bool is_reachable(const protocol::ip_address& address) {
    static const auto nowhere = networks_of(
        {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
         "192.168.0.0/16", "224.0.0.0/3", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"});
    static const auto translated =
        *protocol::cidr::parse("64:ff9b::/96"); // RFC 6052: an IPv4 address in the last octets
    if (translated.contains(address)) {
        const auto last = address.bytes().last<4>();
        return is_reachable(protocol::ip_address::v4(last));
    }
    return !protocol::contains(nowhere, address);
}

} // namespace postern::policy

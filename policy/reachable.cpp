// The networks for examples (RFC 5737, RFC 3849) are not among them: nobody loses mail by that, and tests use
// them.
#include "policy/reachable.hpp"

#include "protocol/net/cidr.hpp"

#include <algorithm>
#include <vector>

namespace postern::policy {

bool is_reachable(const protocol::ip_address& address) {
    static const auto nowhere = [] {
        std::vector<protocol::cidr> all;
        for (const auto* text :
             {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.168.0.0/16", "224.0.0.0/3", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"})
            all.push_back(*protocol::cidr::parse(text));
        return all;
    }();
    return std::none_of(nowhere.begin(), nowhere.end(),
                        [&](const auto& network) { return network.contains(address); });
}

} // namespace postern::policy

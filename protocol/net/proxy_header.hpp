// PROXY protocol v1 and v2 (haproxy, doc/proxy-protocol.txt): the first bytes of a connection from a listed
// balancer. Pure: told the bytes so far, says how many belong to the header and whose connection it is. A
// caller must consume exactly `length` bytes: what follows may be a TLS handshake.
#pragma once

#include "protocol/net/ip_address.hpp"

#include <cstddef>

namespace postern::protocol {

// v1: 107 bytes at most. v2: 16 + length; larger ones (endless TLVs) are refused.
inline constexpr std::size_t proxy_header_max = 16 + 2048;

enum class proxy_status { need_more, complete, invalid };

struct proxy_header {
    struct endpoint {
        ip_address address;
        std::uint16_t port = 0;
    };
    proxy_status status = proxy_status::need_more;
    std::size_t length = 0; // bytes of the header, when complete
    // Empty when complete: v1 UNKNOWN or v2 LOCAL (the balancer's own health check): the socket's own address
    // counts.
    std::optional<endpoint> source;
    std::optional<endpoint> destination;
};

proxy_header parse_proxy_header(std::string_view bytes);

} // namespace postern::protocol

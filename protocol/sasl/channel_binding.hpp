// The name of a TLS connection that both of its ends know and nobody between them shares.
#pragma once

#include <string>

namespace postern::protocol::sasl {

struct channel_binding {
    std::string type; // "tls-exporter" (RFC 9266), "tls-unique" (RFC 5929 §3); "" = there is none
    std::string data; // octets
};

} // namespace postern::protocol::sasl

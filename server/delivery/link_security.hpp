// How a connection that mail went over was secured: for the log, the counters and the operator.
#pragma once

#include "tls/connection.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::server {

struct link_security {
    enum class kind : std::uint8_t {
        none,      // no connection came to where mail could be sent, or it needs no security (LMTP)
        plain,     // the server has no TLS, or none that works
        encrypted, // whoever is at the other end
        verified,  // and it is who the TLSA records say
        refused,   // TLS was a must and not to be had: no mail was sent
    };
    kind what = kind::none;
    std::string protocol, cipher; // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
    std::string proof;            // verified: "DANE-EE 3 1 1"

    std::string_view word() const; // "" = none; "plain", "encrypted", "verified", "refused"
    std::string to_string() const; // "" = none; "plain", "TLSv1.3", "TLSv1.3 DANE-EE 3 1 1", "refused"
};

// Of a connection that is ready for mail; `layer` is null when it is plain.
link_security security_of(const tls::connection* layer);

} // namespace postern::server

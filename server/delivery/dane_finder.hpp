// What DNS asks of the connection to a mail server: its TLSA records (RFC 7672 §2.2, RFC 7671 §7), and the
// TLS that follows from them. One thread's.
#pragma once

#include "policy/resolver.hpp"
#include "tls/demand.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>

namespace postern::server {

struct dane_host {
    std::string name;      // as MX records or the operator have it; "" = an address alone
    std::string canonical; // the end of its aliases, where all of them were validated; "" = it has none
    std::uint16_t port = 25;
    bool is_secure = false; // its address records were validated, aliases and all
    std::string domain;     // led here by validated MX records, or is the name; "" = nothing validated did
};

struct dane_finding {
    tls::demand demand;  // opportunistic, encrypted or dane
    std::string trouble; // DNS didn't say: nothing may go to this host now, encrypted or not; "" = it did
};

// No TLSA record is asked for where the addresses weren't validated: whoever could forge those needs no more.
// `names` outlives the await, which is over within the time, however silent DNS is.
boost::asio::awaitable<dane_finding> find_dane(policy::resolver& names, dane_host host,
                                               std::chrono::milliseconds within);

} // namespace postern::server

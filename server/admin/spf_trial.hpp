// Would a receiver let a server of ours send for a domain (RFC 7208)? The same evaluator that judges other
// people's mail, with the questions of a command.
#pragma once

#include "policy/resolver.hpp"

#include <string>
#include <vector>

namespace postern::server {

struct spf_trial {
    std::vector<protocol::ip_address> passed, refused; // anything but "pass" is refused
    bool is_whole = true;                              // DNS answered all that had to be asked
};

// For mail of postmaster@`domain` from each of the addresses, with `hostname` as EHLO name. One question
// after the other; `dns` outlives it.
boost::asio::awaitable<spf_trial> try_spf(policy::resolver& dns, std::string domain, std::string hostname,
                                          std::vector<protocol::ip_address> addresses,
                                          policy::dns_deadline until);

} // namespace postern::server

// Do the certificates that this server would show fit the TLSA records that are published for its MX hosts?
// Where they don't, servers that go by DANE deliver no mail. Lives on one thread.
#pragma once

#include "conf/config.hpp"
#include "policy/resolver.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>

namespace postern::server {

// "" = they fit, or no validated and usable TLSA records are published, or DNS doesn't say; else what is
// wrong, one line. Reads the certificates' files. `names` outlives the await; `settings` are those in use,
// the server's own certificate included.
boost::asio::awaitable<std::string> unpublished_keys(policy::resolver& names,
                                                     std::shared_ptr<const conf::config> config,
                                                     conf::tls_settings settings);

} // namespace postern::server

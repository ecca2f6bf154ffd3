// What mail clients ask a domain's web server for: its settings in Thunderbird's format. Microsoft's
// autodiscover is not answered. For the main thread; reads the accounts, writes nothing.
#pragma once

#include "conf/config.hpp"
#include "server/admin/http.hpp"
#include "storage/tables/directory.hpp"

#include <optional>
#include <string_view>

namespace postern::server {

// nullopt: the path is none of /.well-known/autoconfig/mail/config-v1.1.xml and /mail/config-v1.1.xml.
// `query` is what follows the "?", `host` the Host header as the client sent it; both may be anything. The
// domain is that of the address in the query, else the host's, without "autoconfig." and a port; 404 for one
// that isn't hosted, 503 when the accounts can't be read. Nothing is said of single addresses.
std::optional<http_answer> autoconfig_answer(std::string_view path, std::string_view query,
                                             std::string_view host, const conf::config& config,
                                             const storage::directory& accounts);

} // namespace postern::server

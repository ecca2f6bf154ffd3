// What mail clients ask a domain's web server for: its settings in Thunderbird's format. Microsoft's
// autodiscover is not answered. For the main thread; reads the accounts, writes nothing.
#pragma once

#include "conf/config.hpp"
#include "server/admin/http.hpp"
#include "server/snapshot.hpp"
#include "storage/tables/directory.hpp"

#include <optional>

namespace postern::server {

// nullopt: the path is none of /.well-known/autoconfig/mail/config-v1.1.xml and /mail/config-v1.1.xml. The
// domain is that of the address in the query (emailaddress), else the host's without "autoconfig."; 404 for
// one that isn't hosted, 503 when the accounts can't be read. Nothing is said of single addresses.
std::optional<http_answer> autoconfig_answer(const http_request& request, const conf::config& config,
                                             const storage::directory& accounts);

class autoconfig_page final : public http_pages {
  public:
    // Both outlive this.
    autoconfig_page(const live_snapshot& current, const storage::directory& accounts)
        : current_(current), accounts_(accounts) {}
    std::optional<http_answer> answer(const http_request& request) override;
    bool takes_post(std::string_view) const override { return false; }

  private:
    const live_snapshot& current_;
    const storage::directory& accounts_;
};

} // namespace postern::server

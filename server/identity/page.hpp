// The page where owners of addresses answer, and see who may use them. To open a link changes nothing: mail
// scanners do that; only the form on the page does. Who has a token has the right that it stands for, and
// nothing else on the page needs a login: it only has mails sent to the mailbox that is named.
#pragma once

#include "server/admin/http.hpp"
#include "server/identity/desk.hpp"
#include "server/snapshot.hpp"

namespace postern::server {

class identity_page final : public http_pages {
  public:
    identity_page(identity_desk& desk, const live_snapshot& config) : desk_(desk), config_(config) {}

    std::optional<http_answer> answer(const http_request& request) override;
    bool takes_post(std::string_view path) const override;

  private:
    identity_desk& desk_; // both outlive this
    const live_snapshot& config_;
};

} // namespace postern::server

// The pages by their paths. What costs a look at the disk or at every descriptor is looked at once a second
// at the most, however often it is asked for.
#pragma once

#include "server/admin/http.hpp"
#include "server/admin/observed.hpp"

namespace postern::server {

// Who can be looked at; `app` is.
class web_target {
  public:
    virtual ~web_target() = default;
    virtual server_status status() = 0;
    virtual observed observe() = 0; // the status and the rest
};

class web_site final : public http_pages {
  public:
    explicit web_site(web_target& target) : target_(target) {} // the target outlives this
    http_answer page(std::string_view path) override;

  private:
    const observed& seen();

    web_target& target_;
    std::optional<observed> seen_;
    std::chrono::steady_clock::time_point seen_at_;
};

} // namespace postern::server

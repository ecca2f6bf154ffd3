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
    virtual observed observe() = 0; // the status and the rest, but for `oldest`
    virtual std::vector<storage::queued_message> oldest() = 0;
};

class web_site final : public http_pages {
  public:
    explicit web_site(web_target& target) : target_(target) {} // the target outlives this
    std::optional<http_answer> answer(const http_request& request) override;
    bool takes_post(std::string_view) const override { return false; }
    http_answer page(std::string_view path); // 404 for what there isn't

  private:
    enum class wanted { numbers, oldest_too };
    const observed& seen(wanted what);

    web_target& target_;
    std::optional<observed> seen_;
    bool oldest_seen_ = false;
    std::chrono::steady_clock::time_point seen_at_;
};

} // namespace postern::server

#include "server/admin/web_site.hpp"

#include "server/admin/health.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/status_page.hpp"

namespace postern::server {

namespace {

constexpr std::chrono::seconds good_for{1};
constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view html = "text/html; charset=utf-8";

} // namespace

std::optional<http_answer> web_site::answer(const http_request& request) {
    auto made = page(request.path);
    if (made.status == 404) return std::nullopt;
    if (request.on_loopback && !is_asked_for_here(request.host))
        return http_answer{421, plain_text, "Misdirected Request\n"};
    return made;
}

http_answer web_site::page(std::string_view path) {
    if (path == "/") return {200, html, render_status_page(seen(wanted::oldest_too))};
    if (path == "/metrics") return {200, metrics_content_type, render_metrics(seen(wanted::numbers))};
    if (path == "/healthz") {
        auto now = health_of(target_.status());
        return {now.takes_mail ? 200U : 503U, plain_text, std::move(now.text)};
    }
    return {404, plain_text, "Not Found\n"};
}

const observed& web_site::seen(wanted what) {
    const auto now = std::chrono::steady_clock::now();
    if (!seen_ || now - seen_at_ >= good_for) {
        seen_ = target_.observe();
        seen_at_ = now;
        oldest_seen_ = false;
    }
    if (what == wanted::oldest_too && !oldest_seen_) {
        seen_->oldest = target_.oldest();
        oldest_seen_ = true;
    }
    return *seen_;
}

} // namespace postern::server

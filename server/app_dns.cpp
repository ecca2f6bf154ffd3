// The resolvers of all threads: one setting for them all, which follows the configuration and
// /etc/resolv.conf, and what the main thread's own found out about the servers. Nothing here keeps the server
// from starting.
#include "server/app.hpp"

#include <fmt/format.h>

namespace postern::server {

namespace {

constexpr std::chrono::seconds dns_interval{10};     // between looks at /etc/resolv.conf
constexpr std::chrono::seconds examine_interval{60}; // while the servers don't answer

} // namespace

void app::begin_dns() {
    dns_settings_ = resolver_settings_of(config_.get()->config->dns);
    dns_.emplace(main_.get_executor(), dns_settings_, counts_.dns);
}

// At reload, and now and then for the sake of /etc/resolv.conf.
void app::watch_dns(std::chrono::steady_clock::time_point now) {
    dns_looked_ = now;
    auto wanted = resolver_settings_of(config_.get()->config->dns);
    if (wanted != dns_settings_) {
        dns_settings_ = std::move(wanted);
        dns_->configure(dns_settings_);
        for (auto& each : workers_) each->configure_dns(dns_settings_);
        examine_dns(now);
    } else if (dns_standing_ == resolver_standing::unknown && now - dns_examined_ >= examine_interval) {
        examine_dns(now);
    }
}

void app::watch_dns_by_time(std::chrono::steady_clock::time_point now) {
    if (now - dns_looked_ >= dns_interval) watch_dns(now);
}

void app::examine_dns(std::chrono::steady_clock::time_point now) {
    dns_examined_ = now;
    spawn(main_.get_executor(), learn_standing_of_dns(dns_settings_),
          [this](std::string_view what) { journal_->fault("dns: " + std::string(what)); });
}

boost::asio::awaitable<void> app::learn_standing_of_dns(resolver_settings of) {
    auto asking = examine(*dns_, of, dns_->deadline(of.timeout));
    const auto standing = co_await std::move(asking);
    if (of != dns_settings_) co_return; // others are asked meanwhile
    dns_standing_ = standing;
    auto text = standing_text(standing, of);
    if (text == dns_told_) co_return;
    dns_told_ = std::move(text);
    journal_->note("dns: " + dns_told_);
}

} // namespace postern::server

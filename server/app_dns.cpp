// The resolvers of all threads: one setting for them all, which follows the configuration and
// /etc/resolv.conf, and what was found out about the servers. Nothing here keeps the server from starting.
#include "server/app.hpp"

#include "server/dns_asker.hpp"

namespace postern::server {

namespace {

constexpr std::chrono::seconds dns_interval{10};     // between looks at /etc/resolv.conf
constexpr std::chrono::seconds examine_interval{60}; // between questions what the servers are good for

} // namespace

void app::begin_dns() {
    dns_settings_ = resolver_settings_of(config_.get()->config->dns);
    dns_.emplace(main_.get_executor(), dns_settings_, counts_.dns);
}

// The settings as they are now, for all threads; false = they are as before.
bool app::follow_dns_settings(std::chrono::steady_clock::time_point now) {
    dns_looked_ = now;
    auto wanted = resolver_settings_of(config_.get()->config->dns);
    if (wanted == dns_settings_) return false;
    dns_settings_ = std::move(wanted);
    dns_standings_.clear();
    dns_->configure(dns_settings_);
    for (auto& each : workers_) each->configure_dns(dns_settings_);
    return true;
}

// A reload asks anew in any case: something about the servers may have been mended.
void app::reload_dns() {
    const auto now = std::chrono::steady_clock::now();
    follow_dns_settings(now);
    examine_dns(now);
}

void app::watch_dns(std::chrono::steady_clock::time_point now) {
    const bool is_due = now - dns_examined_ >= examine_interval && !examines_dns_;
    const bool has_changed = now - dns_looked_ >= dns_interval && follow_dns_settings(now);
    if (has_changed || is_due) examine_dns(now);
}

// One that runs already ends without a word.
void app::examine_dns(std::chrono::steady_clock::time_point now) {
    dns_examined_ = now;
    const auto number = ++dns_examination_;
    spawn(
        main_.get_executor(), learn_standing_of_dns(dns_settings_, number),
        [this](std::string_view what) { journal_->fault("dns: " + std::string(what)); },
        [this, number] {
            if (number == dns_examination_) examines_dns_ = false;
        });
    examines_dns_ = true; // it begins only after this
}

boost::asio::awaitable<void> app::learn_standing_of_dns(resolver_settings of, std::uint64_t number) {
    std::vector<server_standing> found;
    for (std::size_t i = 0; i < of.servers.size(); ++i) {
        auto asking = examine(main_.get_executor(), of, i, counts_.dns);
        const auto standing = co_await std::move(asking);
        if (number != dns_examination_) co_return;
        found.push_back(standing);
    }
    dns_standings_ = std::move(found);
    tell_of_dane();
    auto text = standing_text(of, dns_standings_);
    if (text == dns_told_) co_return;
    dns_told_ = std::move(text);
    journal_->note("dns: " + dns_told_);
}

// "" where nobody asks for DANE.
std::string app::dane_off() const {
    if (config_.get()->config->relay.tls != conf::relay_tls::dane) return {};
    return dane_trouble(dns_settings_, dns_standings_);
}

// Each time that it is switched off, by whatever.
void app::tell_of_dane() {
    auto trouble = dane_off();
    if (trouble == dane_told_) return;
    dane_told_ = std::move(trouble);
    if (!dane_told_.empty()) return journal_->fault(dane_told_);
    journal_->note("DANE is no longer off");
}

void app::describe_dns(server_status& to) const {
    to.dns = standing_text(dns_settings_, dns_standings_);
    if (auto trouble = dane_off(); !trouble.empty()) to.alarms.push_back({std::move(trouble)});
    if (!keys_trouble_.empty()) to.alarms.push_back({keys_trouble_});
}

// Those that may be open at the same time by a configuration: of each worker's resolver, and of the main
// thread's.
std::size_t app::dns_sockets(const conf::dns_settings& settings) const {
    const auto servers = settings.servers.empty() ? resolv_conf_servers_max : settings.servers.size();
    return (workers_.size() + 1) * servers * dns_sockets_of_a_server;
}

} // namespace postern::server

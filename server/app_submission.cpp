// What people who send mail need: where passwords are known, what is counted of them, how they are told.
#include "server/app.hpp"

#include "conf/settings.hpp"
#include "policy/submission/keyed_digest.hpp"
#include "server/authenticator.hpp"
#include "server/dovecot_auth.hpp"
#include "server/table_terms.hpp"
#include "storage/server_secret.hpp"
#include "storage/srs_secrets.hpp"

#include <fmt/format.h>
#include <sys/random.h>

namespace postern::server {

namespace {

std::optional<std::string> random_octets(std::size_t count) {
    std::string made(count, '\0');
    const auto got = ::getrandom(made.data(), made.size(), 0);
    if (got != static_cast<ssize_t>(made.size())) return std::nullopt;
    return made;
}

} // namespace

start_problem app::open_logins() {
    const auto config = config_.get()->config;
    const auto fresh = random_octets(storage::server_secret_octets);
    const auto of_process = random_octets(storage::server_secret_octets);
    if (!fresh || !of_process) return {exit_code::unavailable, "the kernel gives no random octets"};
    const auto secret = storage::server_secret(storage::system_files(), config->server.state_dir, *fresh);
    if (!secret)
        return {exit_code::cant_create,
                fmt::format("{}/secret: {}", config->server.state_dir, secret.error().message())};
    const auto key = policy::keyed_digest(*secret, {"wrong passwords"});
    guess_key_ = policy::view(key);
    if (const auto dovecot = conf::parse_dovecot(config->auth.source))
        logins_ = std::make_unique<dovecot_auth>(*dovecot, config->auth.waiting);
    else
        logins_ = std::make_unique<authenticator>(
            *accounts_, *secret, *of_process,
            authenticator::settings{config->auth.workers, config->auth.waiting, config->auth.remember});
    return {};
}

start_problem app::open_srs_secrets() {
    const auto& state = config_.get()->config->server.state_dir;
    const auto octets = random_octets(storage::server_secret_octets);
    if (!octets) return {exit_code::unavailable, "the kernel gives no random octets"};
    std::string fresh;
    for (const char octet : *octets) fresh += fmt::format("{:02x}", static_cast<unsigned char>(octet));
    const auto secrets = storage::make_srs_secrets(storage::system_files(), state, fresh);
    if (!secrets)
        return {exit_code::cant_create, fmt::format("{}/srs_secrets: {}", state, secrets.error().message())};
    srs_.emplace(*secrets);
    return {};
}

boost::system::error_code app::open_rates(const conf::config& config) {
    auto rows = storage::open_lmdb_rates(config.server.state_dir, rates_limits_of(config));
    if (!rows) return rows.error();
    rates_ = std::move(*rows);
    auto clock = running_clock::begin(*rates_);
    if (!clock) return clock.error();
    rate_clock_ = std::move(*clock);
    return {};
}

void app::begin_sending() {
    sending_notices_.emplace(
        sending_notices::surroundings{config_, *accounts_, *ids_, *journal_, *rate_clock_});
    sending_.emplace(*rates_, *rate_clock_, *sending_notices_);
}

std::function<bool(storage::insert_message)> app::way_into_queue(std::string_view about) {
    return [this, about](storage::insert_message mail) {
        return spool_->try_submit(std::move(mail), [this, about](const boost::system::error_code& ec) {
            if (ec) journal_->fault(fmt::format("a mail about {} is lost: {}", about, ec.message()));
        });
    };
}

std::vector<kept_table> app::tables_of_sending() {
    constexpr std::size_t rows_a_step = 1000; // looked at in one transaction
    std::vector<kept_table> tables;
    tables.push_back({"what is counted of senders",
                      [this] {
                          rate_clock_->leave_mark();
                          return rates_->flush();
                      },
                      [this]() -> result<bool> {
                          // A round ends where it began: what is left waits for the next second.
                          const auto more = rates_->sweep(rate_clock_->now(), rows_a_step);
                          if (!more) return {boost::system::in_place_error, more.error()};
                          return {boost::system::in_place_value, false};
                      }});
    tables.push_back({"mail about accounts", [this] { return sending_notices_->flush(); },
                      []() -> result<bool> { return {boost::system::in_place_value, false}; },
                      [this] { return sending_notices_->dropped(); }});
    return tables;
}

result<std::size_t> app::unblock(const std::optional<protocol::cidr>& network) {
    return sending_->guesses.unblock_some(network, policy::guess_terms_of(config_.get()->config->auth),
                                          rate_clock_->now());
}

server_status app::status_of_senders() const {
    server_status to;
    constexpr std::size_t blocked_max = 200; // that are shown
    for (auto& one : sending_notices_->alarms(sending_->suspended)) to.alarms.push_back(std::move(one));
    const auto blocked = sending_->guesses.blocked(rate_clock_->now(), "", blocked_max);
    if (!blocked) return to;
    for (const auto& one : *blocked)
        to.blocked.push_back({one.network, rate_clock_->wall_time_of(one.until)});
    return to;
}

} // namespace postern::server

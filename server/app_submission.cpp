// What people who send mail need: where passwords are known.
#include "server/app.hpp"

#include "conf/settings.hpp"
#include "policy/submission/keyed_digest.hpp"
#include "server/authenticator.hpp"
#include "server/dovecot_auth.hpp"
#include "storage/server_secret.hpp"

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
    const auto secret =
        storage::server_secret(storage::system_files(), config->server.state_dir, *fresh);
    if (!secret)
        return {exit_code::cant_create, fmt::format("{}/secret: {}", config->server.state_dir,
                                                    secret.error().message())};
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

} // namespace postern::server

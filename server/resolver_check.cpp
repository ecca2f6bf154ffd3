// Each server has a resolver of its own here, so that no other answers for it.
#include "server/resolver_check.hpp"

#include "server/resolver.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {

namespace {

std::string_view text_of(server_standing what) {
    switch (what) {
    case server_standing::asked: return "was asked and has not answered yet";
    case server_standing::useless: return "does not answer";
    case server_standing::validates: return "validates answers (DNSSEC)";
    case server_standing::unbelieved:
        return "answers; that an answer was validated (DNSSEC) is not believed of it (dns.trust_ad)";
    case server_standing::unvalidated: return "answers and does not validate (DNSSEC)";
    }
    return "";
}

bool is_authenticated(const policy::dns_result& result) {
    if (const auto* absent = std::get_if<protocol::dns_absent>(&result)) return absent->authenticated;
    const auto* found = std::get_if<protocol::dns_found>(&result);
    return found != nullptr && found->authenticated;
}

} // namespace

boost::asio::awaitable<server_standing> examine(boost::asio::any_io_executor on, resolver_settings settings,
                                                std::size_t index, dns_counts& counts) {
    const auto server = settings.servers.at(index);
    settings.servers = {server};
    const bool is_believed = is_ad_believed(settings.trust_ad, server.address);
    dns_resolver alone(std::move(on), settings, counts);
    auto asking =
        alone.look_up({protocol::dns_name(), protocol::dns_type::a}, alone.deadline(settings.timeout));
    const policy::dns_result result = co_await std::move(asking);
    if (std::holds_alternative<policy::dns_try_later>(result)) co_return server_standing::useless;
    if (!is_believed) co_return server_standing::unbelieved;
    co_return is_authenticated(result) ? server_standing::validates : server_standing::unvalidated;
}

std::string standing_text(const resolver_settings& settings, std::span<const server_standing> standings) {
    std::string all;
    bool needs_cure = false;
    for (std::size_t i = 0; i < settings.servers.size(); ++i) {
        const auto what = i < standings.size() ? standings[i] : server_standing::asked;
        if (i != 0) all += "; ";
        all += settings.servers[i].to_string() + ' ';
        all += text_of(what);
        needs_cure =
            needs_cure || what == server_standing::unbelieved || what == server_standing::unvalidated;
    }
    if (needs_cure) all += ": for DANE run a validating resolver on this machine, such as unbound";
    return all;
}

std::string dane_trouble(const resolver_settings& settings, std::span<const server_standing> standings) {
    std::string unfit;
    bool any_fit = false;
    for (std::size_t i = 0; i < std::min(settings.servers.size(), standings.size()); ++i) {
        any_fit = any_fit || standings[i] == server_standing::validates;
        if (standings[i] != server_standing::unbelieved && standings[i] != server_standing::unvalidated)
            continue;
        unfit += (unfit.empty() ? "" : ", ") + settings.servers[i].to_string();
    }
    if (unfit.empty()) return {};
    return fmt::format(
        "DANE is off{}: what {} says was not validated by DNSSEC, or is not believed to be "
        "(dns.trust_ad). Mail goes out encrypted where the other server has TLS, and proved to "
        "nobody. Run a validating resolver on this machine, such as unbound, or set relay.tls",
        any_fit ? " now and then" : "", unfit);
}

} // namespace postern::server

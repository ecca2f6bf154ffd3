#include "server/key_watch.hpp"

#include "protocol/smtp/grammar.hpp"
#include "tls/dane.hpp"
#include "tls/published_keys.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <set>

namespace postern::server {

namespace {

constexpr int mx_port = 25; // where other servers look for us

// Where mail of others comes in, and finds TLS.
std::set<std::string> mx_hosts(const conf::config& config) {
    std::set<std::string> made;
    for (const auto& row : config.listeners) {
        const bool takes_mail =
            row.role == conf::listener_role::mx || row.role == conf::listener_role::secondary;
        if (takes_mail) made.insert(protocol::to_lower(std::string_view(row.hostname)));
    }
    return made;
}

} // namespace

boost::asio::awaitable<std::string> unpublished_keys(policy::resolver& names,
                                                     std::shared_ptr<const conf::config> config,
                                                     conf::tls_settings settings) {
    std::vector<std::string> flaws; // told by whoever loads them for use
    const tls::published_keys keys(settings, flaws);
    for (const auto& host : mx_hosts(*config)) {
        const auto name = protocol::dns_name::parse(fmt::format("_{}._tcp.{}", mx_port, host));
        if (!name) continue;
        auto asking = names.look_up({*name, protocol::dns_type::tlsa}, names.deadline(config->dns.timeout));
        const auto answer = co_await std::move(asking);
        const auto* found = std::get_if<protocol::dns_found>(&answer);
        if (found == nullptr || !found->authenticated) continue;
        const auto choice = tls::choose_tlsa(found->records.tlsa);
        if (choice.usable.empty() || keys.all_fit(host, choice.usable)) continue;
        co_return fmt::format(
            "the TLSA records of {} name other keys: servers that go by DANE deliver no mail "
            "to it; `postern dns` shows what to publish",
            host);
    }
    co_return std::string();
}

} // namespace postern::server

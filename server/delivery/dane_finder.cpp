// A look-up that fails is what an attacker who wants plain text would bring about: it is trouble, and never
// "no records" (RFC 7672 §2.1.1).
#include "server/delivery/dane_finder.hpp"

#include "protocol/smtp/grammar.hpp"
#include "tls/dane.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace postern::server {
namespace asio = boost::asio;

namespace {

struct tlsa_finding {
    tls::tlsa_choice choice;
    std::string trouble;
};

// What isn't validated, found or absent, is as if there were none.
asio::awaitable<tlsa_finding> records_at(policy::resolver& names, std::string base, std::uint16_t port,
                                         policy::dns_deadline until) {
    const auto name = protocol::dns_name::parse(fmt::format("_{}._tcp.{}", port, base));
    if (!name) co_return tlsa_finding{}; // too long for anybody to publish
    protocol::dns_question question{*name, protocol::dns_type::tlsa};
    auto asking = names.look_up(std::move(question), until);
    const auto answer = co_await std::move(asking);
    tlsa_finding made;
    if (const auto* later = std::get_if<policy::dns_try_later>(&answer))
        made.trouble = fmt::format("the TLSA records of {} cannot be looked up now: {}", name->to_string(),
                                   policy::dns_cause_text(*later));
    if (const auto* found = std::get_if<protocol::dns_found>(&answer); found && found->authenticated)
        made.choice = tls::choose_tlsa(found->records.tlsa);
    co_return made;
}

// RFC 7672 §3.2.2: what else may stand in a certificate below an authority.
std::vector<std::string> other_names(const dane_host& host, const std::string& base) {
    std::vector<std::string> made;
    for (const auto& one : {host.name, host.domain})
        if (!one.empty() && one != base && std::ranges::find(made, one) == made.end()) made.push_back(one);
    return made;
}

tls::demand demand_of(const dane_host& host, const std::string& base, tls::tlsa_choice choice) {
    switch (choice.what) {
    case tls::tlsa_standing::none: break;
    case tls::tlsa_standing::usable:
        return {tls::demand_level::dane, base, other_names(host, base), std::move(choice.usable)};
    case tls::tlsa_standing::unusable: return {tls::demand_level::encrypted, base};
    }
    return {tls::demand_level::opportunistic, host.name};
}

} // namespace

asio::awaitable<dane_finding> find_dane(policy::resolver& names, dane_host host,
                                        std::chrono::milliseconds within) {
    for (auto* const each : {&host.name, &host.canonical, &host.domain}) *each = protocol::to_lower(*each);
    dane_finding made{{tls::demand_level::opportunistic, host.name}, {}};
    if (!host.is_secure || host.name.empty()) co_return made;
    const auto until = names.deadline(within);
    std::vector<std::string> bases{host.name};
    if (!host.canonical.empty() && host.canonical != host.name) bases.insert(bases.begin(), host.canonical);
    for (const auto& base : bases) {
        auto looking = records_at(names, base, host.port, until);
        auto found = co_await std::move(looking);
        made.trouble = std::move(found.trouble);
        if (!made.trouble.empty()) co_return made;
        if (found.choice.what == tls::tlsa_standing::none) continue;
        made.demand = demand_of(host, base, std::move(found.choice));
        break;
    }
    co_return made;
}

} // namespace postern::server

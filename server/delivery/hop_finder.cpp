// The loop guard of RFC 5321 §5.1 is before anything is looked up: only hosts with a lower preference value
// than ours are. Where our name isn't among the MX hosts we look for our addresses; where neither is, nobody
// says that this mail is to pass here.
#include "server/delivery/hop_finder.hpp"

#include "policy/reachable.hpp"
#include "server/delivery/domain_finder.hpp"
#include "server/delivery/host_lookup.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace postern::server {
namespace asio = boost::asio;
using policy::resolver;
using protocol::dns_name;
using protocol::dns_type;
using protocol::mx_record;

namespace {

asio::awaitable<found_hop> find_host(resolver& names, conf::relay_hop hop, std::chrono::milliseconds within) {
    found_hop made;
    const auto host = dns_name::parse(hop.name, protocol::dns_escapes::none);
    if (!host) co_return found_hop{{}, hop.name + " is no name of DNS"};
    const auto found = co_await addresses_of(names, *host, within);
    add_addresses(made, hop.name, 0, found, hop.address.port);
    if (!found.trouble.empty()) made.trouble = "cannot be looked up now: " + found.trouble;
    if (made.addresses.empty() && made.trouble.empty()) made.trouble = hop.name + " has no address";
    co_return made;
}

// The preference that is ours; nullopt: we aren't among them.
std::optional<std::uint16_t> our_preference(const ourselves& us, const std::vector<exchanger>& all) {
    for (const auto& one : all)
        if (is_ours(us, one.record.exchange) || any_ours(us, one.found)) return one.record.preference;
    return std::nullopt;
}

std::string first_trouble(const std::vector<exchanger>& all) {
    for (const auto& one : all)
        if (!one.found.trouble.empty()) return "its MX hosts cannot be looked up now: " + one.found.trouble;
    return {};
}

// Of the sorted hosts those that stand before us.
found_hop better_than_us(const std::string& domain, const ourselves& us, const std::vector<exchanger>& all,
                         std::uint16_t port) {
    const auto ours = our_preference(us, all);
    const auto trouble = first_trouble(all);
    if (!ours && !trouble.empty()) return {{}, trouble}; // one of them may be us
    if (!ours) return {{}, fmt::format("loop guard: this server is none of the MX hosts of {}", domain)};
    found_hop made;
    for (const auto& one : all)
        if (one.record.preference < *ours)
            add_addresses(made, one.record.exchange.to_string(), one.record.preference, one.found, port);
    if (!trouble.empty()) made.trouble = trouble;
    // Whoever has the domain's DNS in hand chooses no host of our own networks.
    std::erase_if(made.addresses, [](const auto& one) { return !policy::is_reachable(one.at.address); });
    if (!made.addresses.empty()) return made;
    const bool is_best = all.front().record.preference >= *ours;
    if (is_best) made.trouble = fmt::format("loop guard: this server is the best MX host of {}", domain);
    if (made.trouble.empty()) made.trouble = "the MX hosts before this server have no address to send to";
    return made;
}

asio::awaitable<found_hop> find_exchangers(resolver& names, conf::relay_hop hop, ourselves us,
                                           std::chrono::milliseconds within) {
    const auto domain = dns_name::parse(hop.name, protocol::dns_escapes::none);
    if (!domain) co_return found_hop{{}, hop.name + " is no name of DNS"};
    protocol::dns_question question{*domain, dns_type::mx};
    auto answer = co_await names.look_up(std::move(question), names.deadline(within / 2));
    if (const auto* later = std::get_if<policy::dns_try_later>(&answer))
        co_return found_hop{
            {}, fmt::format("its MX records cannot be looked up now: {}", policy::dns_cause_text(*later))};
    if (std::holds_alternative<protocol::dns_absent>(answer))
        co_return found_hop{{}, fmt::format("loop guard: {} has no MX records", hop.name)};
    const bool secure = std::get<protocol::dns_found>(answer).authenticated;
    auto records = std::get<protocol::dns_found>(answer).records.exchangers;
    std::erase_if(records, [](const auto& one) { return one.exchange.is_root(); });
    protocol::sort_by_preference(records);
    if (records.empty()) co_return found_hop{{}, hop.name + " takes no mail (null MX)"};
    // Behind our own name nothing is of use.
    const auto own =
        std::ranges::find_if(records, [&](const auto& one) { return is_ours(us, one.exchange); });
    const bool named = own != records.end();
    if (named) records.erase(std::next(own), records.end());
    if (records.size() > hop_exchangers_max) {
        if (named) records[hop_exchangers_max - 1] = records.back();
        records.resize(hop_exchangers_max);
    }
    std::vector<exchanger> all;
    const auto of_each = within / 2 / static_cast<int>(records.size());
    for (const auto& record : records) {
        exchanger one{record, {}};
        if (!is_ours(us, record.exchange)) one.found = co_await addresses_of(names, record.exchange, of_each);
        all.push_back(std::move(one));
    }
    auto made = better_than_us(hop.name, us, all, hop.address.port);
    made.domain = hop.name;
    made.mx_secure = secure;
    co_return made;
}

} // namespace

std::string hop_address::to_string() const {
    if (host.empty()) return at.to_string();
    return fmt::format("{}[{}]:{}", host, at.address.to_string(), at.port);
}

asio::awaitable<found_hop> find_hop(resolver* names, conf::relay_hop hop, ourselves us,
                                    std::chrono::seconds within) {
    using kind = conf::relay_hop::kind;
    if (hop.what == kind::address) {
        found_hop made;
        made.addresses.push_back({{}, hop.address, 0, false, {}});
        co_return made;
    }
    if (names == nullptr) co_return found_hop{{}, "no names can be looked up"};
    if (hop.what == kind::host) co_return co_await find_host(*names, std::move(hop), within);
    if (hop.what == kind::domain)
        co_return co_await find_domain(*names, std::move(hop), std::move(us), within);
    co_return co_await find_exchangers(*names, std::move(hop), std::move(us), within);
}

} // namespace postern::server

// Hosts are looked up in the order of preference until there are addresses enough to try.
#include "server/delivery/domain_finder.hpp"

#include "policy/reachable.hpp"
#include "protocol/smtp/grammar.hpp"
#include "server/delivery/host_lookup.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <random>

namespace postern::server {
namespace asio = boost::asio;
using protocol::dns_absent;
using protocol::dns_name;
using protocol::dns_type;
using protocol::enhanced_code;
using protocol::mx_record;

namespace {

found_hop failed(enhanced_code code, std::string why) {
    found_hop made;
    made.trouble = std::move(why);
    made.fails = code;
    return made;
}

std::minstd_rand& chance() {
    thread_local std::minstd_rand made{std::random_device{}()};
    return made;
}

void order(std::vector<mx_record>& records) {
    std::ranges::shuffle(records, chance());
    protocol::sort_by_preference(records);
}

// What MX records say, or that there are none.
struct exchangers {
    std::vector<mx_record> records; // in the order to be tried
    bool are_implied = false;       // the domain itself is the only one
    bool are_secure = false;
    std::optional<found_hop> instead; // there is nothing to look up
};

exchangers of_answer(const conf::relay_hop& hop, const ourselves& us, const dns_name& domain,
                     const policy::dns_result& answer) {
    exchangers made;
    if (const auto* later = std::get_if<policy::dns_try_later>(&answer)) {
        made.instead.emplace().trouble =
            fmt::format("its MX records cannot be looked up now: {}", policy::dns_cause_text(*later));
    } else if (const auto* absent = std::get_if<dns_absent>(&answer)) {
        made.are_secure = absent->authenticated;
        made.are_implied = true;
        made.records.push_back({0, domain});
        if (absent->what == dns_absent::kind::no_name)
            made.instead = failed({5, 1, 2}, fmt::format("there is no domain {}", hop.name));
    } else {
        const auto& found = std::get<protocol::dns_found>(answer);
        made.are_secure = found.authenticated;
        made.records = found.records.exchangers;
        // RFC 7505 §3: a null MX beside others is none.
        std::erase_if(made.records, [](const auto& one) { return one.exchange.is_root(); });
        if (made.records.empty())
            made.instead = failed({5, 1, 10}, fmt::format("{} takes no mail (null MX: 556)", hop.name));
        // Where we are one of them, those from our preference on are of no use.
        const auto own =
            std::ranges::find_if(made.records, [&](const auto& one) { return is_ours(us, one.exchange); });
        if (own != made.records.end())
            std::erase_if(made.records, [&, ours = own->preference](const auto& one) {
                return one.preference >= ours && !is_ours(us, one.exchange);
            });
        order(made.records);
        made.records.resize(std::min(made.records.size(), hop_exchangers_max));
    }
    return made;
}

// What was found on the way through the hosts.
struct walk {
    found_hop made;
    std::string trouble;     // of DNS with one of them
    bool met_us = false;     // and so the end of the list
    bool any_beyond = false; // addresses that no mail of strangers can be sent to
    std::uint16_t ours = 0;
};

void take_host(walk& so_far, const mx_record& record, host_addresses found, std::uint16_t port) {
    if (!found.trouble.empty() && so_far.trouble.empty()) so_far.trouble = found.trouble;
    // Whoever has the domain's DNS in hand chooses no host of our own networks.
    const auto beyond = std::erase_if(found.all, [](const auto& one) { return !policy::is_reachable(one); });
    so_far.any_beyond = so_far.any_beyond || beyond != 0;
    add_addresses(so_far.made, record.exchange.to_string(), record.preference, found, port);
}

found_hop conclude(walk so_far, const conf::relay_hop& hop, bool are_implied) {
    auto& made = so_far.made;
    if (so_far.met_us)
        std::erase_if(made.addresses, [&](const auto& one) { return one.preference >= so_far.ours; });
    if (!made.addresses.empty()) return std::move(made);
    if (!so_far.trouble.empty()) {
        made.trouble = "its hosts cannot be looked up now: " + so_far.trouble;
        return std::move(made);
    }
    if (so_far.met_us)
        return failed({5, 4, 6},
                      fmt::format("mail loop: this server is the best MX host of {}, and {} is no domain of "
                                  "its own",
                                  hop.name, hop.name));
    if (so_far.any_beyond)
        return failed({5, 4, 4},
                      fmt::format("the MX hosts of {} have private or loopback addresses only", hop.name));
    if (are_implied)
        return failed({5, 1, 2}, fmt::format("{} has neither MX records nor an address", hop.name));
    made.trouble = fmt::format("no MX host of {} has an address", hop.name);
    return std::move(made);
}

// RFC 5321 §4.1.3: no names are asked.
found_hop find_literal(const conf::relay_hop& hop, const ourselves& us) {
    std::string_view text = hop.name;
    text = text.substr(1, text.size() - 2);
    if (protocol::equals_ignoring_case(text.substr(0, 5), "IPv6:")) text.remove_prefix(5);
    const auto address = protocol::ip_address::parse(text);
    if (!address) return failed({5, 1, 2}, hop.name + " is no address of a server");
    if (std::ranges::find(us.addresses, *address) != us.addresses.end())
        return failed({5, 4, 6}, fmt::format("mail loop: {} is this server's own address", hop.name));
    if (!policy::is_reachable(*address))
        return failed({5, 4, 4}, fmt::format("{} is a private or loopback address", hop.name));
    found_hop made;
    made.addresses.push_back({{}, {*address, hop.address.port}, 0, false, {}});
    return made;
}

} // namespace

asio::awaitable<found_hop> find_domain(policy::resolver& names, conf::relay_hop hop, ourselves us,
                                       std::chrono::milliseconds within) {
    if (hop.name.starts_with('[')) co_return find_literal(hop, us);
    const auto domain = dns_name::parse(hop.name, protocol::dns_escapes::none);
    if (!domain) co_return failed({5, 1, 2}, hop.name + " is no name of DNS");
    protocol::dns_question question{*domain, dns_type::mx};
    const auto answer = co_await names.look_up(std::move(question), names.deadline(within / 2));
    auto mx = of_answer(hop, us, *domain, answer);
    if (mx.instead) co_return std::move(*mx.instead);
    walk so_far;
    so_far.made.domain = hop.name;
    so_far.made.mx_secure = mx.are_secure;
    const auto of_each = within / 2 / static_cast<int>(mx.records.size());
    for (const auto& record : mx.records) {
        if (so_far.made.addresses.size() >= hop_addresses_max) break;
        host_addresses found;
        const bool is_us = is_ours(us, record.exchange);
        if (!is_us) found = co_await addresses_of(names, record.exchange, of_each);
        if (is_us || any_ours(us, found)) {
            so_far.met_us = true;
            so_far.ours = record.preference;
            break;
        }
        take_host(so_far, record, std::move(found), hop.address.port);
    }
    co_return conclude(std::move(so_far), hop, mx.are_implied);
}

} // namespace postern::server

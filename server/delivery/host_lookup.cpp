#include "server/delivery/host_lookup.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace postern::server {
namespace asio = boost::asio;
using protocol::dns_name;
using protocol::dns_type;

namespace {

// What one answer adds.
void take_answer(host_addresses& into, const dns_name& host, const policy::dns_result& answer) {
    if (const auto* later = std::get_if<policy::dns_try_later>(&answer)) {
        into.trouble = fmt::format("{}: {}", host.to_string(), policy::dns_cause_text(*later));
    } else if (const auto* absent = std::get_if<protocol::dns_absent>(&answer)) {
        into.is_secure = into.is_secure && absent->authenticated;
    } else if (const auto* found = std::get_if<protocol::dns_found>(&answer)) {
        into.is_secure = into.is_secure && found->authenticated;
        into.all.insert(into.all.end(), found->records.addresses.begin(), found->records.addresses.end());
        if (found->name != host) into.canonical = protocol::to_lower(found->name.to_string());
    }
}

} // namespace

asio::awaitable<host_addresses> addresses_of(policy::resolver& names, dns_name host,
                                             std::chrono::milliseconds within) {
    host_addresses made;
    made.is_secure = true;
    for (const auto type : {dns_type::a, dns_type::aaaa}) {
        protocol::dns_question question{host, type};
        const auto answer = co_await names.look_up(std::move(question), names.deadline(within / 2));
        take_answer(made, host, answer);
    }
    if (made.all.empty()) made.is_secure = false;
    if (!made.is_secure) made.canonical.clear();
    co_return made;
}

bool is_ours(const ourselves& us, const dns_name& host) {
    return std::ranges::find(us.names, protocol::to_lower(host.to_string())) != us.names.end();
}

bool any_ours(const ourselves& us, const host_addresses& host) {
    return std::ranges::any_of(host.all, [&](const auto& one) {
        return std::ranges::find(us.addresses, one) != us.addresses.end();
    });
}

void add_addresses(found_hop& to, const std::string& host, std::uint16_t preference,
                   const host_addresses& found, std::uint16_t port) {
    for (const auto& address : found.all) {
        if (to.addresses.size() >= hop_addresses_max) return;
        to.addresses.push_back({host, {address, port}, preference, found.is_secure, found.canonical});
    }
}

} // namespace postern::server

#include "policy/client_name.hpp"

#include "policy/questions.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using protocol::dns_type;

// As a rule about host names has it; "" = a name that no host has.
std::string host_name_of(const protocol::dns_name& pointer) {
    auto name = protocol::canonical_domain(pointer.to_string(), protocol::unicode::refuse);
    return name ? std::move(*name) : std::string();
}

} // namespace

boost::asio::awaitable<client_name> find_client_name(resolver& dns, tasks& beside, dns_deadline until,
                                                     protocol::ip_address client) {
    protocol::dns_question reverse{protocol::reverse_name(client), dns_type::ptr};
    const dns_result answer = co_await dns.look_up(std::move(reverse), until);
    const auto* found = std::get_if<protocol::dns_found>(&answer);
    if (found == nullptr) {
        client_name none;
        none.is_open = std::holds_alternative<dns_try_later>(answer);
        co_return none;
    }
    const auto& pointers = found->records.pointers;
    const std::size_t count = std::min(pointers.size(), pointers_max);
    questions forward(dns, beside, until);
    for (std::size_t i = 0; i < count; ++i) {
        protocol::dns_question question{pointers[i], client.is_v4() ? dns_type::a : dns_type::aaaa};
        forward.ask(std::move(question), i);
    }
    std::vector<bool> proved(count);
    client_name made;
    while (forward.open() != 0) {
        const auto one = co_await forward.next();
        if (std::holds_alternative<dns_try_later>(one.what)) made.is_open = true;
        const auto* addresses = std::get_if<protocol::dns_found>(&one.what);
        if (addresses == nullptr) continue;
        const auto& all = addresses->records.addresses;
        proved[one.mark] = std::find(all.begin(), all.end(), client) != all.end();
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto proof = proved[i] ? host_name_proof::resolves_back : host_name_proof::unproved;
        if (!made.name.empty() && proof == host_name_proof::unproved) continue;
        auto name = host_name_of(pointers[i]);
        if (name.empty()) continue;
        made.name = std::move(name);
        made.proof = proof;
        if (proof == host_name_proof::resolves_back) break;
    }
    co_return made;
}

void begin_name(context& about) {
    if (about.peer.name.begun()) return;
    auto& dns = about.ask.dns;
    auto work =
        find_client_name(dns, about.ask.beside, dns.deadline(about.config->dns.timeout), about.client);
    client_name unknown;
    unknown.is_open = true;
    about.peer.name.begin(about.ask.beside, std::move(work), std::move(unknown));
}

} // namespace postern::policy

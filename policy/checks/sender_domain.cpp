// Test 2: can mail come back to the sender's domain? By its MX records, or where it has none by its
// addresses; an MX that leads nowhere (this machine, private networks, no address) is as good as none.
// Trouble with DNS defers.
#include "policy/check.hpp"
#include "policy/questions.hpp"
#include "policy/reachable.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using kind = sender_domain_finding::kind;
using protocol::dns_type;
using protocol::make_reply;
using protocol::reply_id;

constexpr std::size_t exchangers_max = 10; // whose addresses are looked up, the preferred first

std::string trouble(const protocol::dns_name& name, const dns_result& answer) {
    return name.to_string() + ": " + std::string(dns_cause_text(std::get<dns_try_later>(answer)));
}

using addresses = std::shared_ptr<const std::vector<protocol::ip_address>>;

// Has any of the hosts an address that mail can be sent to?
boost::asio::awaitable<sender_domain_finding> find_host(resolver& dns, tasks& beside, dns_deadline until,
                                                        addresses own, std::vector<protocol::dns_name> hosts,
                                                        std::string otherwise) {
    questions asked(dns, beside, until);
    for (const auto& host : hosts) {
        for (const auto type : {dns_type::a, dns_type::aaaa}) {
            protocol::dns_question question{host, type};
            asked.ask(std::move(question), 0);
        }
    }
    std::string later, nowhere;
    while (asked.open() != 0) {
        const auto one = co_await asked.next();
        if (std::holds_alternative<dns_try_later>(one.what)) later = trouble(one.to.name, one.what);
        const auto* found = std::get_if<protocol::dns_found>(&one.what);
        if (found == nullptr) continue;
        for (const auto& address : found->records.addresses) {
            const bool ours = std::find(own->begin(), own->end(), address) != own->end();
            if (is_reachable(address) && !ours) co_return sender_domain_finding{kind::takes_mail, {}};
            nowhere =
                one.to.name.to_string() + " is " + address.to_string() + ", where no mail can be sent to";
        }
    }
    if (!later.empty()) co_return sender_domain_finding{kind::later, std::move(later)};
    co_return sender_domain_finding{kind::takes_none,
                                    nowhere.empty() ? std::move(otherwise) : std::move(nowhere)};
}

boost::asio::awaitable<sender_domain_finding> look_at(resolver& dns, tasks& beside, dns_deadline until,
                                                      addresses own, std::string domain) {
    auto name = protocol::dns_name::parse(domain, protocol::dns_escapes::none);
    if (!name) co_return sender_domain_finding{kind::takes_none, "it is no name of DNS"};
    protocol::dns_question question{*name, dns_type::mx};
    const dns_result answer = co_await dns.look_up(std::move(question), until);
    if (std::holds_alternative<dns_try_later>(answer))
        co_return sender_domain_finding{kind::later, trouble(*name, answer)};
    std::vector<protocol::dns_name> hosts;
    if (const auto* absent = std::get_if<protocol::dns_absent>(&answer)) {
        if (absent->what == protocol::dns_absent::kind::no_name)
            co_return sender_domain_finding{kind::takes_none, "there is no such domain"};
        hosts.push_back(*name); // RFC 5321 §5.1: the implicit MX
        co_return co_await find_host(dns, beside, until, own, std::move(hosts),
                                     "it has neither MX nor address");
    }
    auto exchangers = std::get<protocol::dns_found>(answer).records.exchangers;
    protocol::sort_by_preference(exchangers);
    for (const auto& one : exchangers)
        if (!one.exchange.is_root() && hosts.size() < exchangers_max) hosts.push_back(one.exchange);
    if (hosts.empty()) co_return sender_domain_finding{kind::null_mx, "null MX"};
    co_return co_await find_host(dns, beside, until, own, std::move(hosts), "its MX hosts have no address");
}

// Whom nothing needs to be asked about: bounces, addresses instead of a domain, and our own domains.
bool needs_no_answer(const context& about) {
    const auto& sender = about.envelope.sender;
    if (!sender || sender->domain.empty() || sender->is_literal()) return true;
    const auto ours = about.ask.accounts.find_domain(sender->domain);
    return ours && *ours;
}

} // namespace

void begin_sender_domain(stage, context& about) {
    if (needs_no_answer(about)) return;
    auto& dns = about.ask.dns;
    auto work = look_at(dns, about.ask.beside, dns.deadline(about.config->dns.timeout), about.own,
                        about.envelope.sender->domain);
    about.learned.sender_domain.begin(about.ask.beside, std::move(work), {kind::later, "no memory"});
}

boost::asio::awaitable<verdict> check_sender_domain(stage, context& about) {
    if (!about.learned.sender_domain.begun()) co_return verdict::pass("no domain, or one of ours");
    const std::string sender = about.envelope.sender_text();
    auto found = co_await about.learned.sender_domain.get();
    switch (found.what) {
    case kind::takes_mail: break;
    case kind::takes_none:
        co_return verdict::refuse(make_reply(reply_id::sender_domain_takes_none, {sender, found.why}),
                                  found.why);
    case kind::null_mx: co_return verdict::refuse(make_reply(reply_id::sender_domain_null_mx, {sender}));
    case kind::later:
        co_return verdict::refuse(make_reply(reply_id::sender_domain_unknown_now, {sender}),
                                  std::move(found.why));
    }
    co_return verdict::pass("takes mail");
}

} // namespace postern::policy

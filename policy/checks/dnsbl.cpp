// Test 1: is the client on a list of bad senders? All lists are asked at once, when the client connects, or
// when a domain is written to whose tier wants it. A list that doesn't answer in time doesn't list; one that
// answers what no list may is never believed.
#include "policy/check.hpp"
#include "policy/questions.hpp"
#include "policy/zone_health.hpp"
#include "protocol/smtp/grammar.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using protocol::dns_type;

constexpr std::size_t text_max = 200; // octets of a list's TXT in a reply

const protocol::cidr& listed_range() {
    static const auto range = *protocol::cidr::parse("127.0.0.0/8");
    return range;
}
// Where lists say "you may not ask" and "you ask too much".
const protocol::cidr& error_range() {
    static const auto range = *protocol::cidr::parse("127.255.255.0/24");
    return range;
}

// Does the answer say that the client is listed?
bool says_listed(const conf::dnsbl_zone_settings& zone, const protocol::dns_records& answer,
                 zone_health& health) {
    bool listed = false;
    for (const auto& code : answer.addresses) {
        if (!listed_range().contains(code) || error_range().contains(code)) {
            health.odd_answer(zone.name, code.to_string());
            return false; // whatever else it says
        }
        listed = listed || zone.return_codes.empty() || contains(zone.return_codes, code);
    }
    return listed;
}

boost::asio::awaitable<std::string> text_of(resolver& dns, dns_deadline until, protocol::dns_name name) {
    protocol::dns_question question{std::move(name), dns_type::txt};
    const dns_result answer = co_await dns.look_up(std::move(question), until);
    const auto* found = std::get_if<protocol::dns_found>(&answer);
    co_return found == nullptr ? std::string() : protocol::printable(found->records.texts.front(), text_max);
}

// A list that says "listed" before its first examination has come to an end is examined now: at the start,
// and when it is new, a dead one must refuse nobody either.
boost::asio::awaitable<bool> is_believed(resolver& dns, tasks& beside, zone_health& health,
                                         dns_deadline until, std::string zone) {
    if (!health.is_examined(zone)) {
        std::string trouble = co_await trouble_of_zone(dns, beside, until, zone);
        health.note(zone, std::move(trouble));
    }
    co_return !health.is_set_aside(zone);
}

// The first list of the configuration that has the client.
boost::asio::awaitable<std::optional<listing>> find_listing(std::shared_ptr<const conf::config> config,
                                                            resolver& dns, tasks& beside, zone_health& health,
                                                            protocol::ip_address client) {
    const auto until = dns.deadline(config->dns.timeout);
    const auto& zones = config->dnsbl.zones;
    questions asked(dns, beside, until);
    for (std::size_t i = 0; i < zones.size(); ++i) {
        if (health.is_set_aside(zones[i].name)) continue;
        const auto zone = protocol::dns_name::parse(zones[i].name);
        if (!zone) continue;
        auto name = protocol::reverse_name(client, *zone);
        if (!name) continue; // no list has a name so long
        protocol::dns_question question{std::move(*name), dns_type::a};
        asked.ask(std::move(question), i);
    }
    std::size_t first = zones.size();
    protocol::dns_name name;
    while (asked.open() != 0) {
        auto one = co_await asked.next();
        const auto* found = std::get_if<protocol::dns_found>(&one.what);
        if (found == nullptr || one.mark > first || !says_listed(zones[one.mark], found->records, health))
            continue;
        const bool counts = co_await is_believed(dns, beside, health, until, zones[one.mark].name);
        if (!counts) continue;
        first = one.mark;
        name = std::move(one.to.name);
    }
    if (first == zones.size()) co_return std::nullopt;
    listing made{zones[first].name, co_await text_of(dns, until, std::move(name))};
    co_return made;
}

} // namespace

namespace {

void begin_asking(context& about) {
    const auto& settings = about.config->dnsbl;
    if (settings.zones.empty() || contains(settings.exempt_clients, about.client)) return;
    auto work = find_listing(about.config, about.ask.dns, about.ask.beside, about.ask.zones, about.client);
    about.peer.listed.begin(about.ask.beside, std::move(work), std::nullopt);
}

} // namespace

// Only where the listener's tier asks: for a domain whose own tier does, RCPT waits for the lists.
void begin_dnsbl(stage, context& about) {
    const auto* tier = conf::find_tier(*about.config, about.listener.tier);
    if (tier != nullptr && tier->dnsbl) begin_asking(about);
}

boost::asio::awaitable<verdict> check_dnsbl(stage, context& about) {
    if (about.tier == nullptr || !about.tier->dnsbl) co_return verdict::pass("the tier doesn't ask");
    if (!about.peer.listed.begun()) begin_asking(about);
    if (!about.peer.listed.begun()) co_return verdict::pass("no list is asked");
    const auto found = co_await about.peer.listed.get();
    if (!found) co_return verdict::pass("not listed");
    const std::string text = found->text.empty() ? found->text : "; " + found->text;
    co_return verdict::refuse(protocol::make_reply(
        protocol::reply_id::client_listed,
        {about.candidate->mailbox.to_string(), about.client.to_string(), found->zone, text}));
}

} // namespace postern::policy

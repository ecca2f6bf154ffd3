// Test 1: is the client on a list of bad senders? All lists are asked at once, when the client connects, or
// when a domain is written to whose tier wants it. A list that doesn't answer in time doesn't list; one that
// answers what no list may is never believed.
#include "policy/check.hpp"
#include "policy/questions.hpp"
#include "policy/zone_health.hpp"
#include "protocol/smtp/grammar.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <map>

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

// Looks for the first list of the configuration that has the client, and can be believed.
class search {
  public:
    explicit search(context& about)
        : config_(about.config), dns_(about.ask.dns), beside_(about.ask.beside), health_(about.ask.zones),
          until_(dns_.deadline(config_->dns.timeout)), asked_(dns_, beside_, until_) {
        for (std::size_t i = 0; i < zones().size(); ++i) ask(i, about.client);
    }

    // Goes as far as answers are at hand. True: all have come, and no list has the client.
    bool advance() {
        while (const auto one = asked_.take()) hear(*one);
        return asked_.open() == 0 && listing_.empty();
    }
    static boost::asio::awaitable<std::optional<listing>> end(search self) {
        while (self.asked_.open() != 0) {
            auto coming = self.asked_.next();
            self.hear(co_await std::move(coming));
        }
        for (const auto& [number, name] : self.listing_) {
            const std::string& zone = self.zones()[number].name;
            auto examining = is_believed(self.dns_, self.beside_, self.health_, self.until_, zone);
            const bool counts = co_await std::move(examining);
            if (!counts) continue;
            auto reading = text_of(self.dns_, self.until_, name);
            listing made{zone, co_await std::move(reading)};
            co_return made;
        }
        co_return std::nullopt;
    }

  private:
    const std::vector<conf::dnsbl_zone_settings>& zones() const { return config_->dnsbl.zones; }
    void ask(std::size_t number, const protocol::ip_address& client) {
        if (health_.is_set_aside(zones()[number].name)) return;
        const auto zone = protocol::dns_name::parse(zones()[number].name);
        if (!zone) return;
        auto name = protocol::reverse_name(client, *zone);
        if (!name) return; // no list has a name so long
        asked_.ask({std::move(*name), dns_type::a}, number);
    }
    void hear(const questions::answer& one) {
        const auto* found = std::get_if<protocol::dns_found>(&one.what);
        if (found == nullptr || !says_listed(zones()[one.mark], found->records, health_)) return;
        listing_.emplace(one.mark, one.to.name);
    }

    std::shared_ptr<const conf::config> config_;
    resolver& dns_;
    tasks& beside_;
    zone_health& health_;
    dns_deadline until_;
    questions asked_;
    std::map<std::size_t, protocol::dns_name> listing_; // lists that have the client, as they are configured
};

void begin_asking(context& about) {
    const auto& settings = about.config->dnsbl;
    if (settings.zones.empty() || contains(settings.exempt_clients, about.client)) return;
    search begun(about);
    if (begun.advance()) return about.peer.listed.know(std::nullopt);
    auto work = search::end(std::move(begun));
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

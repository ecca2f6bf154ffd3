#include "server/delivery/hop_client.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace postern::server {
namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds look_up_time{10}; // of all that one hop needs
constexpr std::chrono::seconds tlsa_time{10};    // of the TLSA records of one host
constexpr std::size_t remembered_max = 1000;     // hops
constexpr std::chrono::seconds login_again{60},
    login_again_max{900}; // one that was refused, twice as long each time

std::string looped(const hop_address& at) {
    return fmt::format("loop guard: {} greets with a name of this server", at.to_string());
}

// Where DNS has a say, a server that is ourselves is one that can't be used now; where the operator wrote its
// address, nothing else can come of it.
bool may_be_another(const conf::relay_hop& hop) { return hop.what != conf::relay_hop::kind::address; }

ourselves ourselves_of(const snapshot& now) {
    ourselves made{identity_of(*now.config).own_names, {}};
    if (now.own_addresses) made.addresses = *now.own_addresses;
    return made;
}

// The first address of another kind that its host has, behind it; the list's end = there is none.
using addresses = std::vector<hop_address>;
addresses::iterator other_kind(addresses& all, addresses::iterator of) {
    if (of->host.empty()) return all.end();
    return std::find_if(std::next(of), all.end(), [&](const auto& one) {
        return one.host == of->host && one.at.address.is_v4() != of->at.address.is_v4();
    });
}

// It is tried with the one, and so needn't be again.
std::optional<hop_address> take_other_kind(addresses& all, std::size_t of) {
    const auto other = other_kind(all, all.begin() + static_cast<std::ptrdiff_t>(of));
    if (other == all.end()) return std::nullopt;
    auto made = *other;
    all.erase(other);
    return made;
}

// One of two was spoken to, in vain: the other is next. Where neither could be connected to, none is.
void put_back(addresses& all, std::size_t of, const std::optional<hop_address>& other,
              const conf::next_hop& spoken_to) {
    if (!other || spoken_to.address.port == 0) return;
    auto rest = spoken_to.address == other->at ? all[of] : *other;
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(of) + 1, std::move(rest));
}

mail_peer peer_at(const hop_address& one, const std::optional<hop_address>& other, tls::demand demand) {
    mail_peer made{{{}, one.at}, protocol::client_protocol::smtp, std::move(demand)};
    if (other) made.also = other->at;
    return made;
}

} // namespace

asio::awaitable<found_hop> hop_client::find(conf::relay_hop hop) {
    const auto now = config_.get();
    const auto name = hop.to_string();
    auto found = co_await find_hop(names_, std::move(hop), ourselves_of(*now), look_up_time);
    if (const auto last = answered_.find(name); last != answered_.end()) {
        const auto at = std::ranges::find(found.addresses, last->second, &hop_address::at);
        if (at != found.addresses.end()) std::rotate(found.addresses.begin(), at, std::next(at));
    }
    co_return found;
}

// Both outlive the await.
asio::awaitable<dane_finding> hop_client::security_for(const found_hop& found, const hop_address& at,
                                                       bool proves_name) {
    const auto wanted = config_.get()->config->relay.tls;
    if (wanted == conf::relay_tls::off && !proves_name) co_return dane_finding{};
    dane_host host{at.host, at.canonical, at.at.port, at.is_secure, found.mx_secure ? found.domain : ""};
    const bool may_prove = wanted == conf::relay_tls::dane && names_ != nullptr;
    dane_finding made{{tls::demand_level::opportunistic, protocol::to_lower(at.host)}, {}};
    if (may_prove) made = co_await find_dane(*names_, std::move(host), tlsa_time);
    if (proves_name && made.trouble.empty() && made.demand.level != tls::demand_level::dane)
        made.demand = {tls::demand_level::verified, protocol::to_lower(at.host)};
    co_return made;
}

// Of the smarthost; a route that leads to the same server is no other one.
hop_client::login hop_client::login_at(const conf::relay_hop& hop) const {
    const auto now = config_.get();
    return now->config->relay.smart_hop == hop ? now->smarthost_login : nullptr;
}

// Whoever tries a wrong password again and again is locked out, with the right one too. A reload makes a new
// login.
std::string hop_client::why_no_login(const login& ours) const {
    const bool waits = ours && ours == refused_login_.ours && steady_clock::now() < refused_login_.until;
    return waits ? refused_login_.why : std::string();
}

void hop_client::note_login(const login& ours, bool refused, const std::string& why) {
    if (!ours) return;
    const unsigned times = ours == refused_login_.ours ? refused_login_.times : 0;
    if (!refused) {
        if (times != 0) refused_login_ = {};
        return;
    }
    const auto wait =
        std::min<std::chrono::seconds>(login_again * (1U << std::min(times, 10U)), login_again_max);
    refused_login_ = {ours, why, times + 1, steady_clock::now() + wait};
}

// `found` outlives the await.
asio::awaitable<hop_client::candidate> hop_client::take_candidate(found_hop& found, std::size_t of,
                                                                  bool proves_name) {
    candidate made;
    made.other = take_other_kind(found.addresses, of);
    made.one = found.addresses[of];
    made.security = co_await security_for(found, made.one, proves_name);
    co_return made;
}

void hop_client::remember(const conf::relay_hop& hop, const conf::endpoint& server) {
    if (hop.what != conf::relay_hop::kind::host) return; // RFC 5321 §5.1: the preferred MX is tried first
    if (answered_.size() >= remembered_max) answered_.clear(); // routes that were taken away long ago
    answered_.insert_or_assign(hop.to_string(), server);
}

asio::awaitable<hop_client::report> hop_client::deliver(conf::relay_hop hop,
                                                        protocol::outgoing_message message,
                                                        mail_client::content_maker make_content,
                                                        client_deadlines within) {
    const auto login = login_at(hop);
    const std::size_t recipients = message.recipients.size();
    if (auto why = why_no_login(login); !why.empty())
        co_return report{mail_client::unreached(recipients, std::move(why)), hop.to_string()};
    auto found = co_await find(hop);
    if (found.fails)
        co_return report{mail_client::impossible(recipients, *found.fails, found.trouble), "none"};
    report made{mail_client::unreached(recipients, found.trouble), hop.to_string()};
    for (std::size_t i = 0; i < found.addresses.size(); ++i) {
        auto [one, other, security] = co_await take_candidate(found, i, login != nullptr);
        if (!security.trouble.empty()) {
            made = {mail_client::insecure(recipients, std::move(security.trouble)), one.to_string()};
            continue;
        }
        auto peer = peer_at(one, other, std::move(security.demand));
        peer.login = login;
        auto who = identity_of(*config_.get()->config);
        auto said = co_await client_.deliver(std::move(peer), std::move(who), message, make_content, within);
        if (said.is_ourselves && may_be_another(hop)) said = mail_client::unreached(recipients, looped(one));
        hop_address spoken_to = one;
        if (said.at.address.port != 0) spoken_to.at = said.at.address;
        note_login(login, said.refuses_login, said.away);
        made = {std::move(said), spoken_to.to_string()};
        if (made.of_server.refuses_login) break;
        if (!made.of_server.away.empty()) {
            put_back(found.addresses, i, other, made.of_server.at);
            continue;
        }
        if (!made.of_server.is_ourselves) remember(hop, spoken_to.at);
        break;
    }
    co_return made;
}

asio::awaitable<std::string> hop_client::reach(conf::relay_hop hop, client_deadlines within) {
    const auto login = login_at(hop);
    if (auto why = why_no_login(login); !why.empty()) co_return why;
    auto found = co_await find(hop);
    std::string why = found.trouble;
    for (std::size_t i = 0; i < found.addresses.size(); ++i) {
        auto [one, other, security] = co_await take_candidate(found, i, login != nullptr);
        why = security.trouble;
        if (!why.empty()) continue;
        auto peer = peer_at(one, other, std::move(security.demand));
        peer.login = login;
        auto who = identity_of(*config_.get()->config);
        const auto said = co_await client_.reach(std::move(peer), std::move(who), within);
        why = said.is_ourselves && may_be_another(hop) ? looped(one) : said.away;
        note_login(login, said.refuses_login, said.away);
        if (said.refuses_login) break;
        if (!why.empty()) {
            put_back(found.addresses, i, other, said.at);
            continue;
        }
        if (!said.is_ourselves) remember(hop, said.at.address);
        break;
    }
    co_return why;
}

} // namespace postern::server

// A connection that was kept may have been closed by the server in the meantime. Only while nothing of the
// message has gone out is that no answer of its: then a new one is tried.
#include "server/delivery/mail_client.hpp"

#include "server/delivery/connect.hpp"
#include "server/delivery/text_content.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace postern::server {
namespace asio = boost::asio;
using protocol::client_chunks;
using protocol::client_session;
using protocol::client_step;
using protocol::client_tls;
using protocol::recipient_outcome;
using trouble = client_session::trouble::kind;

namespace {

constexpr std::uint64_t slowest_octets = 8 * 1024; // of content, a second

// It would be so at every try.
void fail_for_its_content(std::vector<recipient_outcome>& outcomes) {
    for (auto& each : outcomes) {
        if (each.said_by_peer) continue;
        each = {};
        each.what = recipient_outcome::kind::failed;
        each.status = {5, 6, 0};
        each.text = "the message holds a bare CR or LF, or a NUL, and can't be sent as text";
    }
}

std::string cannot_connect(const boost::system::error_code& ec) { return "cannot connect: " + ec.message(); }

mail_client::report put_off(std::size_t recipients, std::string why, protocol::enhanced_code status) {
    recipient_outcome one;
    one.what = recipient_outcome::kind::deferred;
    one.status = status;
    one.text = why;
    mail_client::report made;
    made.outcomes.assign(recipients, one);
    made.away = std::move(why);
    return made;
}

bool has_ended(const client_session& session, trouble by) {
    return session.fault() && session.fault()->what == by;
}

// TLS is a must, and isn't there.
bool lacks_tls(const client_session& session, const tls::demand& wanted) {
    return wanted.level >= tls::demand_level::encrypted && has_ended(session, trouble::no_tls);
}

// RFC 7672 §2.2: such a host is of no use now, and the mail waits for one that is.
void tell_of_lack(mail_client::report& made, const tls::demand& wanted) {
    made.secured.what = link_security::kind::refused;
    const bool by_name = wanted.level == tls::demand_level::verified;
    made.away = by_name ? fmt::format("a login at {} needs TLS that proves it: {}", wanted.host, made.away)
                        : fmt::format("the TLSA records of {} ask for TLS: {}", wanted.host, made.away);
    for (auto& each : made.outcomes) {
        if (each.said_by_peer) continue;
        each.status = {4, 7, 5};
        each.text = made.away;
    }
}

// Whoever is to be named over another connection.
std::vector<std::size_t> unasked_of(const std::vector<recipient_outcome>& outcomes) {
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        if (outcomes[i].what == recipient_outcome::kind::unasked) made.push_back(i);
    return made;
}

// What two connections came to, the second for the recipients `left`. When it was for all of them, it is all
// there is to tell; otherwise somebody has an outcome, and no trouble of the second makes the server one that
// is away.
mail_client::report joined(mail_client::report first, const std::vector<std::size_t>& left,
                           mail_client::report second) {
    if (left.size() == first.outcomes.size()) return second;
    for (std::size_t i = 0; i < left.size(); ++i) first.outcomes[left[i]] = std::move(second.outcomes[i]);
    first.knows_no_chunks = second.knows_no_chunks;
    first.is_busy = second.is_busy;
    first.takes_dsn = first.takes_dsn && second.takes_dsn;
    return first;
}

// A connection to `kept` is one to `wanted`.
bool serves(const mail_peer& kept, const mail_peer& wanted) {
    const bool same_place =
        kept.where == wanted.where || (wanted.also && kept.where == conf::next_hop{{}, *wanted.also});
    const bool same_login =
        kept.login == wanted.login || (kept.login && wanted.login && *kept.login == *wanted.login);
    return same_place && same_login && kept.speaks == wanted.speaks && kept.demand == wanted.demand;
}

// Why the session never came to where mail can be sent; "" = it did, or it has found ourselves.
std::string why_away(const client_session& session) {
    const auto& fault = session.fault();
    const bool is_away = fault && !session.is_ready() && fault->what != trouble::ourselves;
    return is_away ? fault->text : std::string();
}

} // namespace

mail_client::report mail_client::unreached(std::size_t recipients, std::string why) {
    return put_off(recipients, std::move(why), {4, 4, 1});
}

mail_client::report mail_client::insecure(std::size_t recipients, std::string why) {
    auto made = put_off(recipients, std::move(why), {4, 7, 5});
    made.secured.what = link_security::kind::refused;
    return made;
}

mail_client::report mail_client::impossible(std::size_t recipients, protocol::enhanced_code code,
                                            std::string why) {
    recipient_outcome one;
    one.what = recipient_outcome::kind::failed;
    one.status = code;
    one.text = std::move(why);
    report made;
    made.outcomes.assign(recipients, one);
    return made;
}

client_identity identity_of(const conf::config& config) {
    client_identity made{config.server.hostname, {config.server.hostname}};
    for (const auto& listener : config.listeners) made.own_names.push_back(listener.hostname);
    return made;
}

std::unique_ptr<mail_client::connection> mail_client::take_kept(const mail_peer& peer) {
    close_idle();
    for (auto at = kept_.end(); at != kept_.begin();) { // the one used last is the likeliest to live
        --at;
        if (!serves((*at)->peer, peer)) continue;
        auto found = std::move(*at);
        at = kept_.erase(at);
        if (!found->wire->has_unread_input()) {
            found->is_reused = true;
            return found;
        }
        found->wire->close();
    }
    return nullptr;
}

void mail_client::keep(std::unique_ptr<connection> one) {
    one->used = std::chrono::steady_clock::now();
    kept_.push_back(std::move(one));
    if (kept_.size() <= idle_max) return;
    kept_.front()->wire->close_with(protocol::client_farewell);
    kept_.pop_front();
}

void mail_client::close_idle() {
    const auto now = std::chrono::steady_clock::now();
    while (!kept_.empty() && now - kept_.front()->used >= idle_time) {
        kept_.front()->wire->close_with(protocol::client_farewell);
        kept_.pop_front();
    }
}

void mail_client::close() {
    for (auto& each : kept_) each->wire->close_with(protocol::client_farewell);
    kept_.clear();
}

void mail_client::break_off() {
    for (auto* each : talking_) {
        const bool by_smtp = each->peer.speaks == protocol::client_protocol::smtp;
        if (by_smtp && !each->session->awaits_final_reply()) each->wire->cancel();
    }
}

asio::awaitable<void> mail_client::talk(connection& link, content_source* content, client_deadlines within) {
    const auto leave = [this](connection* one) { talking_.erase(one); };
    talking_.insert(&link);
    const std::unique_ptr<connection, decltype(leave)> listed(&link, leave);
    if (!security_) co_return co_await converse(*link.session, *link.wire, content, within);
    const conversation_tls how{*security_, link.peer.demand};
    co_await converse(*link.session, *link.wire, content, within, &how);
}

client_tls mail_client::tls_for(const mail_peer& peer) const {
    switch (peer.demand.level) {
    case tls::demand_level::never: break;
    case tls::demand_level::opportunistic: return security_ ? client_tls::when_offered : client_tls::never;
    case tls::demand_level::encrypted:
    case tls::demand_level::verified:
    case tls::demand_level::dane: return client_tls::required;
    }
    return client_tls::never;
}

// What there is to tell of a conversation that has ended, or rests.
mail_client::report mail_client::report_of(const connection& link) {
    const auto& session = *link.session;
    report made;
    made.at = link.peer.where;
    made.outcomes.assign(session.outcomes().begin(), session.outcomes().end());
    made.takes_dsn = session.offers("DSN");
    made.away = why_away(session);
    made.is_ourselves = has_ended(session, trouble::ourselves);
    made.knows_no_chunks = has_ended(session, trouble::no_chunks);
    made.is_busy = has_ended(session, trouble::temporary);
    made.refuses_login = has_ended(session, trouble::no_login);
    const bool by_smtp = link.peer.speaks == protocol::client_protocol::smtp;
    if (by_smtp && session.is_ready()) made.secured = security_of(link.wire->tls_layer());
    if (lacks_tls(session, link.peer.demand)) tell_of_lack(made, link.peer.demand);
    return made;
}

asio::awaitable<result<std::unique_ptr<mail_client::connection>>>
mail_client::open(mail_peer peer, client_identity who, manner how, std::chrono::seconds within) {
    auto wire = co_await connect_to(peer.where, peer.also, within, buffers_);
    if (!wire) co_return wire.error();
    peer.where = std::move(wire->at);
    protocol::client_settings settings{peer.speaks, std::move(who.hostname), how.tls, {}, how.chunks,
                                       peer.login};
    if (peer.speaks == protocol::client_protocol::smtp) settings.own_names = std::move(who.own_names);
    auto made = std::make_unique<connection>();
    made->peer = std::move(peer);
    made->wire = std::move(wire->wire);
    made->session = std::make_unique<client_session>(std::move(settings));
    co_return made;
}

// A second connection may fare better, and nothing of the message was answered. `tls` is what it begins with.
bool mail_client::may_try_again(const connection& link, client_tls& tls) const {
    const auto& session = *link.session;
    if (!session.fault()) return false;
    if (session.fault()->what == trouble::no_tls && tls == client_tls::when_offered) {
        tls = client_tls::never; // RFC 7435: encrypted where it works, else not
        return true;
    }
    return link.is_reused && session.fault()->what == trouble::lost && session.replies_to_message() == 0;
}

// Politely, and without a word of what comes of it.
asio::awaitable<void> mail_client::part(std::unique_ptr<connection> link, client_deadlines within) {
    link->session->quit();
    co_await talk(*link, nullptr, within);
    link->wire->close();
}

asio::awaitable<mail_client::report> mail_client::deliver(mail_peer peer, client_identity who,
                                                          protocol::outgoing_message message,
                                                          content_maker make_content,
                                                          client_deadlines within) {
    auto said = co_await deliver_once(peer, who, message, make_content, within, client_chunks::when_offered);
    auto left = unasked_of(said.outcomes);
    for (unsigned more = 1; !left.empty() && more < connections_max; ++more) {
        auto rest = message;
        rest.recipients.clear();
        for (const auto index : left) rest.recipients.push_back(message.recipients[index]);
        const auto chunks = said.knows_no_chunks ? client_chunks::when_needed : client_chunks::when_offered;
        auto next = co_await deliver_once(peer, who, std::move(rest), make_content, within, chunks);
        next.knows_no_chunks = next.knows_no_chunks || said.knows_no_chunks;
        said = joined(std::move(said), left, std::move(next));
        left = unasked_of(said.outcomes);
    }
    for (const auto index : left) said.outcomes[index].what = recipient_outcome::kind::deferred;
    co_return said;
}

asio::awaitable<mail_client::report>
mail_client::deliver_once(mail_peer peer, client_identity who, protocol::outgoing_message message,
                          content_maker make_content, client_deadlines within, client_chunks chunks) {
    const bool binary = message.body == protocol::body_type::binary_mime;
    within.whole += std::chrono::seconds(message.size / slowest_octets);
    client_tls tls = tls_for(peer);
    for (;;) {
        auto link = chunks == client_chunks::when_offered ? take_kept(peer) : nullptr;
        if (!link) {
            auto opened = co_await open(peer, who, {tls, chunks}, within.connect);
            if (!opened) {
                co_return unreached(message.recipients.size(), cannot_connect(opened.error()));
            }
            link = std::move(*opened);
        }
        auto& session = *link->session;
        session.begin(message);
        const auto stored = make_content ? make_content() : nullptr;
        std::optional<text_content> text;
        if (stored && !binary) text.emplace(*stored);
        content_source* const content = text ? &*text : stored.get();
        co_await talk(*link, content, within);
        auto made = report_of(*link);
        if (session.next() == client_step::idle) {
            if (session.is_spent() || chunks != client_chunks::when_offered)
                co_await part(std::move(link), within);
            else
                keep(std::move(link));
            co_return made;
        }
        link->wire->close();
        if (text && text->refused()) {
            fail_for_its_content(made.outcomes);
            co_return made;
        }
        if (!may_try_again(*link, tls)) co_return made;
    }
}

asio::awaitable<mail_client::reached> mail_client::reach(mail_peer peer, client_identity who,
                                                         client_deadlines within) {
    client_tls tls = tls_for(peer);
    for (;;) {
        auto opened = co_await open(peer, who, {tls}, within.connect);
        if (!opened) co_return reached{cannot_connect(opened.error())};
        auto link = std::move(*opened);
        co_await talk(*link, nullptr, within);
        if (link->session->next() == client_step::idle) {
            reached made{{}, false, link->peer.where};
            keep(std::move(link));
            co_return made;
        }
        link->wire->close();
        auto told = report_of(*link);
        if (!may_try_again(*link, tls))
            co_return reached{std::move(told.away), told.is_ourselves, told.at, told.refuses_login};
    }
}

} // namespace postern::server

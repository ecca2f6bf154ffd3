// The state is shared with the conversations, which may outlive the object when a thread's loop ends.
#include "server/lmtp_room.hpp"

#include "protocol/smtp/grammar.hpp"

#include <unordered_map>

namespace postern::server {
namespace asio = boost::asio;
using protocol::recipient_outcome;
using steady = std::chrono::steady_clock;

namespace {

constexpr auto deadlines = client_deadlines::of(lmtp_room::reply_time, 2 * lmtp_room::reply_time);

// RFC 3463 §3.3: x.2.2, for good or for now; RFC 5321 §4.2.2 where no enhanced code is given: 552 is the
// mailbox's, 452 the whole system's and will pass. Who is not known there is another question.
bool is_full(const recipient_outcome& of) {
    if (!of.of_recipient || of.what == recipient_outcome::kind::taken) return false;
    if (of.status.category != 0) return of.status.subject == 2 && of.status.detail == 2;
    return of.text.starts_with("552");
}

protocol::outgoing_message letter_to(const std::string& recipient) {
    protocol::outgoing_message made;
    made.purpose = protocol::message_purpose::question;
    made.recipients.push_back({recipient});
    made.needs_smtputf8 = !protocol::is_ascii(recipient);
    return made;
}

} // namespace

struct lmtp_room::state {
    struct answer {
        bool has_room = true;
        steady::time_point until;
    };
    mail_client client;
    std::unordered_map<std::string, answer> kept; // by server and recipient
    std::size_t open = 0;
    steady::time_point away_until;

    void keep(std::string key, bool has_room) {
        if (kept.size() == kept_max) kept.clear();
        kept[std::move(key)] = {has_room, steady::now() + kept_time};
    }
    // What needs no conversation.
    std::optional<bool> known(const std::string& key) {
        const auto now = steady::now();
        const auto found = kept.find(key);
        if (found != kept.end() && now < found->second.until) return found->second.has_room;
        if (now < away_until || open == at_once_max) return true;
        return std::nullopt;
    }
};

lmtp_room::lmtp_room() : state_(std::make_shared<state>()) {}

asio::awaitable<bool> lmtp_room::has_room(conf::next_hop server, client_identity who, std::string recipient) {
    const auto self = state_;
    auto key = server.to_string() + ' ' + recipient;
    if (const auto known = self->known(key)) co_return *known;
    ++self->open;
    const auto leave = [](state* one) { --one->open; };
    const std::unique_ptr<state, decltype(leave)> on_any_way_out(self.get());
    mail_peer peer{std::move(server), protocol::client_protocol::lmtp};
    auto asking = self->client.deliver(std::move(peer), std::move(who), letter_to(recipient), {}, deadlines);
    const auto done = co_await std::move(asking);
    self->client.close(); // an idle connection may hold a process there that deliveries need
    if (!done.away.empty()) {
        self->away_until = steady::now() + away_time;
        co_return true;
    }
    const bool has_room = !is_full(done.outcomes.front());
    self->keep(std::move(key), has_room);
    co_return has_room;
}

} // namespace postern::server

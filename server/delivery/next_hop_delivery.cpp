// The server's word counts: what it refuses for good fails at once, all else is tried again.
#include "server/delivery/next_hop_delivery.hpp"

#include "server/route.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::server {
namespace asio = boost::asio;
using protocol::recipient_outcome;
using storage::queued_message;

namespace {

constexpr std::size_t block_octets = 64 * 1024;

// The stored body, read on the pool.
class stored_content final : public content_source {
  public:
    stored_content(const storage::queue& from, offload_pool& pool,
                   std::shared_ptr<const queued_message> message)
        : from_(from), pool_(pool), message_(std::move(message)) {}

    asio::awaitable<result<std::string>> next() override {
        result<std::string> block{boost::system::in_place_error,
                                  make_error_code(storage::storage_errc::busy)};
        std::function<void()> job = [this, &block] { block = read_block(); };
        const auto ran = co_await pool_.run(std::move(job));
        if (ran) co_return ran;
        co_return block;
    }

  private:
    result<std::string> read_block() {
        if (!reader_) {
            auto opened = from_.open_body(*message_);
            if (!opened) return opened.error();
            reader_ = std::move(*opened);
        }
        std::string block(block_octets, '\0');
        const auto got = reader_->read(block);
        if (!got) return got.error();
        block.resize(*got);
        return block;
    }

    const storage::queue& from_;
    offload_pool& pool_;
    std::shared_ptr<const queued_message> message_;
    std::unique_ptr<storage::body_reader> reader_;
};

// What one server gets of a message.
struct consignment {
    mail_peer to;
    std::vector<std::size_t> recipients;
};

std::vector<consignment> consignments(const conf::config& config, const queued_message& message,
                                      std::int64_t now) {
    std::vector<consignment> made;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        if (!is_due(config, message.recipients[i], now)) continue;
        const auto peer = peer_for(config, message.recipients[i]);
        if (!peer) continue;
        auto same = std::ranges::find(made, *peer, &consignment::to);
        if (same == made.end()) same = made.insert(made.end(), {*peer, {}});
        same->recipients.push_back(i);
    }
    return made;
}

protocol::outgoing_message outgoing(const queued_message& message, const consignment& part) {
    const bool by_smtp = part.to.speaks == protocol::client_protocol::smtp;
    protocol::outgoing_message made;
    made.sender = message.sender;
    made.size = message.size;
    made.body = static_cast<protocol::body_type>(message.body_type);
    // An LMTP server is the end of the way: its header needs no promise there.
    made.needs_smtputf8 = !protocol::is_ascii(message.sender) || (by_smtp && message.smtputf8);
    if (by_smtp) {
        made.ret = static_cast<protocol::dsn_return>(message.ret);
        made.envelope_id = message.envelope_id;
    }
    for (const std::size_t i : part.recipients) {
        const auto& to = message.recipients[i];
        // Of what an LMTP server delivers, notices are ours to write.
        if (by_smtp)
            made.recipients.push_back({to.address, to.notify, to.orcpt});
        else
            made.recipients.push_back({to.address, 0, {}});
        made.needs_smtputf8 = made.needs_smtputf8 || !protocol::is_ascii(to.address);
    }
    return made;
}

attempt_outcome outcome_of(const recipient_outcome& said, const std::string& relay) {
    attempt_outcome made;
    made.relay = relay;
    std::string_view unclear = "4.3.0";
    switch (said.what) {
    case recipient_outcome::kind::delivered:
        made.what = attempt_outcome::kind::delivered;
        unclear = "2.0.0";
        break;
    case recipient_outcome::kind::failed:
        made.what = attempt_outcome::kind::failed;
        unclear = "5.0.0";
        break;
    case recipient_outcome::kind::deferred:
    case recipient_outcome::kind::taken: // a question's
    case recipient_outcome::kind::pending: made.what = attempt_outcome::kind::deferred; break;
    }
    const auto& code = said.status;
    made.code = code.category == 0 ? std::string(unclear)
                                   : fmt::format("{}.{}.{}", code.category, code.subject, code.detail);
    made.text = said.text;
    if (said.perhaps_delivered) made.text += " (it may have been delivered: a second copy is possible)";
    return made;
}

// A primary that is known to be away: no try, so that nobody waits for it.
recipient_outcome not_tried(const std::string& why) {
    recipient_outcome made;
    made.what = recipient_outcome::kind::deferred;
    made.status = {4, 4, 1};
    made.text = fmt::format("the next server is away ({}); it is asked every {} s", why,
                            hop_watch::probe_interval.count());
    return made;
}

} // namespace

bool has_next_hop_due(const conf::config& config, const queued_message& message, std::int64_t now) {
    return std::ranges::any_of(message.recipients, [&](const auto& to) {
        return is_due(config, to, now) && peer_for(config, to).has_value();
    });
}

asio::awaitable<void> deliver_to_next_hops(const delivery_services& with, offload_pool& pool,
                                           mail_client& client, hop_observer& hops,
                                           std::shared_ptr<const conf::config> config,
                                           std::shared_ptr<queued_message> message, std::int64_t now) {
    const auto parts = consignments(*config, *message, now);
    for (const auto& part : parts) {
        const bool by_smtp = part.to.speaks == protocol::client_protocol::smtp;
        const auto& hop = part.to.where.address;
        const std::string relay = part.to.where.to_string();
        mail_client::report done;
        if (auto why = by_smtp ? hops.why_away(hop) : std::string(); !why.empty()) {
            done.outcomes.assign(part.recipients.size(), not_tried(why));
        } else {
            mail_client::content_maker content = [&with, &pool,
                                                  message]() -> std::unique_ptr<content_source> {
                return std::make_unique<stored_content>(with.queue, pool, message);
            };
            auto letter = outgoing(*message, part);
            done = co_await client.deliver(part.to, identity_of(*config), std::move(letter),
                                           std::move(content), {});
            if (by_smtp) hops.tried(hop, done.away);
        }
        for (std::size_t i = 0; i < part.recipients.size(); ++i) {
            const auto index = part.recipients[i];
            // RFC 3461 §5.2.2: who takes NOTIFY over tells of the success.
            if (by_smtp && done.takes_dsn && done.outcomes[i].what == recipient_outcome::kind::delivered)
                message->recipients[index].notify = protocol::dsn_notify::never;
            record_outcome(with, *config, *message, index, outcome_of(done.outcomes[i], relay));
        }
    }
}

} // namespace postern::server

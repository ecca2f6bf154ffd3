// The server's word counts: what it refuses for good fails at once, all else is tried again.
#include "server/delivery/next_hop_delivery.hpp"

#include "protocol/mail/trace_header.hpp"
#include "server/clock.hpp"
#include "server/delivery/forwarding.hpp"
#include "server/delivery/hop_watch.hpp"
#include "server/route.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace postern::server {
namespace asio = boost::asio;
using protocol::recipient_outcome;
using storage::queued_message;

namespace {

constexpr std::size_t block_octets = 64 * 1024;

// Fields, and behind them the stored body, read on the pool.
class stored_content final : public content_source {
  public:
    stored_content(const storage::queue& from, offload_pool& pool,
                   std::shared_ptr<const queued_message> message, std::string fields)
        : from_(from), pool_(pool), message_(std::move(message)), fields_(std::move(fields)) {}

    asio::awaitable<result<std::string>> next() override {
        if (!std::exchange(fields_sent_, true) && !fields_.empty()) co_return fields_;
        result<std::string> block{boost::system::in_place_error,
                                  make_error_code(storage::storage_errc::busy)};
        std::function<void()> job = [this, &block] { block = read_block(); };
        const auto ran = co_await pool_.run(std::move(job));
        if (ran) co_return ran;
        co_return block;
    }
    void restart() override {
        fields_sent_ = false;
        reader_.reset();
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
    std::string fields_;
    bool fields_sent_ = false;
    std::unique_ptr<storage::body_reader> reader_;
};

enum class way { smtp, lmtp };

protocol::outgoing_message outgoing(const queued_message& message, std::string sender,
                                    const std::vector<std::size_t>& recipients, const std::string& fields,
                                    way by) {
    const bool by_smtp = by == way::smtp;
    protocol::outgoing_message made;
    made.sender = std::move(sender);
    made.size = message.size + fields.size();
    made.body = static_cast<protocol::body_type>(message.body_type);
    // An LMTP server is the end of the way: its header needs no promise there.
    made.needs_smtputf8 = !protocol::is_ascii(made.sender) || (by_smtp && message.smtputf8);
    if (by_smtp) {
        made.ret = static_cast<protocol::dsn_return>(message.ret);
        made.envelope_id = message.envelope_id;
    }
    for (const std::size_t i : recipients) {
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

attempt_outcome outcome_of(const recipient_outcome& said, const std::string& relay,
                           const link_security& secured) {
    attempt_outcome made;
    made.relay = relay;
    made.secured = secured;
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
    case recipient_outcome::kind::taken:   // a question's
    case recipient_outcome::kind::unasked: // connections enough for one attempt
    case recipient_outcome::kind::pending: made.what = attempt_outcome::kind::deferred; break;
    }
    const auto& code = said.status;
    made.code = code.category == 0 ? std::string(unclear)
                                   : fmt::format("{}.{}.{}", code.category, code.subject, code.detail);
    made.text = said.text;
    if (said.perhaps_delivered) made.text += " (it may have been delivered: a second copy is possible)";
    return made;
}

void count(sent_counts& into, const mail_client::report& said) {
    using kind = link_security::kind;
    const auto add = [](std::atomic<std::uint64_t>& to) { to.fetch_add(1, std::memory_order_relaxed); };
    if (said.secured.what == kind::refused) return add(into.refused);
    if (std::ranges::none_of(said.outcomes,
                             [](const auto& one) { return one.what == recipient_outcome::kind::delivered; }))
        return;
    if (said.secured.what == kind::plain) add(into.plain);
    if (said.secured.what == kind::encrypted) add(into.encrypted);
    if (said.secured.what == kind::verified) add(into.verified);
}

mail_client::content_maker content_of(const network_delivery& what, std::string fields) {
    return [&with = what.with, &pool = what.pool, message = what.message,
            fields = std::move(fields)]() -> std::unique_ptr<content_source> {
        return std::make_unique<stored_content>(with.queue, pool, message, fields);
    };
}

void record(const network_delivery& what, const std::vector<std::size_t>& recipients,
            const mail_client::report& said, const std::string& relay) {
    for (std::size_t i = 0; i < recipients.size(); ++i)
        record_outcome(what.with, *what.config, *what.message, recipients[i],
                       outcome_of(said.outcomes[i], relay, said.secured));
}

} // namespace

bool has_next_hop_due(const conf::config& config, const queued_message& message, std::int64_t now) {
    return std::ranges::any_of(message.recipients, [&](const auto& to) {
        return is_due(config, to, now) && has_next_hop(config, to);
    });
}

namespace {

// Those whose copies are alike: junk, or not. Nobody reads another's mark.
asio::awaitable<void> deliver_alike(const network_delivery& what, mail_client& client, std::int64_t now,
                                    bool junk) {
    std::vector<std::size_t> recipients;
    std::optional<mail_peer> server; // there is one at the most
    for (std::size_t i = 0; i < what.message->recipients.size(); ++i) {
        const auto& to = what.message->recipients[i];
        if (to.junk != junk) continue;
        auto peer = is_due(*what.config, to, now) ? lmtp_for(*what.config, to) : std::nullopt;
        if (!peer) continue;
        server = std::move(peer);
        recipients.push_back(i);
    }
    if (!server) co_return;
    auto fields = fields_above(*what.message, junk);
    auto letter = outgoing(*what.message, what.message->sender, recipients, fields, way::lmtp);
    auto content = content_of(what, std::move(fields));
    auto who = identity_of(*what.config);
    const client_deadlines usual;
    const auto said =
        co_await client.deliver(*server, std::move(who), std::move(letter), std::move(content), usual);
    record(what, recipients, said, server->where.to_string());
}

} // namespace

asio::awaitable<void> deliver_by_lmtp(network_delivery what, mail_client& client, std::int64_t now) {
    co_await deliver_alike(what, client, now, false);
    co_await deliver_alike(what, client, now, true);
}

std::vector<hop_part> hop_parts(const conf::config& config, const queued_message& message, std::int64_t now) {
    std::vector<hop_part> made;
    std::unordered_map<std::string, std::size_t> places; // in `made`
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        if (!is_due(config, message.recipients[i], now)) continue;
        auto hop = hop_for(config, message.recipients[i]);
        if (!hop) continue;
        const auto [at, is_new] = places.emplace(hop->to_string(), made.size());
        if (is_new) made.push_back({std::move(*hop), {}});
        made[at->second].recipients.push_back(i);
    }
    return made;
}

namespace {

// Whether it is spam there, the next server says.
asio::awaitable<hop_result> deliver_one_way(const network_delivery& what, hop_client& client,
                                            hop_observer& hops, const hop_part& part, way_out by) {
    auto fields = what.message->result_fields;
    if (!by.alias.empty()) fields.insert(0, protocol::delivered_to_field(by.alias));
    auto letter = outgoing(*what.message, std::move(by.sender), part.recipients, fields, way::smtp);
    auto content = content_of(what, fields);
    const client_deadlines usual;
    const auto done = co_await client.deliver(part.hop, std::move(letter), std::move(content), usual);
    hop_result how{done.of_server.away, done.of_server.is_busy};
    hops.tried(part.hop, how);
    count(what.with.counts.sent, done.of_server);
    // RFC 3461 §5.2.2: who takes NOTIFY over tells of the success.
    for (std::size_t i = 0; i < part.recipients.size(); ++i)
        if (done.of_server.takes_dsn && done.of_server.outcomes[i].what == recipient_outcome::kind::delivered)
            what.message->recipients[part.recipients[i]].notify = protocol::dsn_notify::never;
    record(what, part.recipients, done.of_server, done.server);
    co_return how;
}

} // namespace

// One way after the other: the hop has given a place for one conversation.
asio::awaitable<void> deliver_to_hop(network_delivery what, hop_client& client, hop_observer& hops,
                                     hop_part part) {
    auto ways = ways_out(what.with, *what.config, *what.message, part.recipients, now_seconds());
    if (!ways) {
        put_off(what, part, "4.3.0", "the aliases cannot be looked up: " + ways.error().message());
        co_return;
    }
    hop_result before;
    for (auto& one : *ways) {
        const hop_part alike{part.hop, std::move(one.recipients)};
        if (!before.away.empty())
            put_off(what, alike, "4.4.1", before.away);
        else if (before.is_busy)
            put_off(what, alike, "4.4.5", "the next server has enough to do");
        else
            before = co_await deliver_one_way(what, client, hops, alike, std::move(one.way));
    }
}

void put_off(const network_delivery& what, const hop_part& part, std::string_view code, std::string why) {
    attempt_outcome put{attempt_outcome::kind::deferred, std::string(code), std::move(why),
                        part.hop.to_string()};
    for (const auto index : part.recipients)
        record_outcome(what.with, *what.config, *what.message, index, put);
}

std::string away_text(const std::string& why) {
    return fmt::format("the next server is away ({}); it is asked every {} s", why,
                       hop_watch::probe_interval.count());
}

} // namespace postern::server

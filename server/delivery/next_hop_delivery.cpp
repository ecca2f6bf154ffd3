// The server's word counts: what it refuses for good fails at once, all else is tried again.
#include "server/delivery/lmtp_delivery.hpp"

#include "conf/settings.hpp"

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

std::vector<std::size_t> local_due(const conf::config& config, const queued_message& message,
                                   std::int64_t now) {
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const auto& to = message.recipients[i];
        if (to.route == storage::recipient_route::local && is_due(config, to, now)) due.push_back(i);
    }
    return due;
}

protocol::outgoing_message outgoing(const queued_message& message,
                                    const std::vector<std::size_t>& recipients) {
    protocol::outgoing_message made;
    made.sender = message.sender;
    made.size = message.size;
    made.body = static_cast<protocol::body_type>(message.body_type);
    made.needs_smtputf8 = !protocol::is_ascii(message.sender);
    for (const std::size_t i : recipients) {
        const auto& to = message.recipients[i];
        made.recipients.push_back({to.address, 0, {}}); // notices of delivery are ours to write
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
    case recipient_outcome::kind::pending: made.what = attempt_outcome::kind::deferred; break;
    }
    const auto& code = said.status;
    made.code = code.category == 0 ? std::string(unclear)
                                   : fmt::format("{}.{}.{}", code.category, code.subject, code.detail);
    made.text = said.text;
    if (said.perhaps_delivered) made.text += " (it may have been delivered: a second copy is possible)";
    return made;
}

} // namespace

bool has_local_due(const conf::config& config, const queued_message& message, std::int64_t now) {
    return !local_due(config, message, now).empty();
}

asio::awaitable<void> deliver_by_lmtp(const delivery_services& with, offload_pool& pool, lmtp_client& client,
                                      std::shared_ptr<const conf::config> config,
                                      std::shared_ptr<queued_message> message, std::int64_t now) {
    const auto due = local_due(*config, *message, now);
    const auto where = conf::parse_lmtp(config->local.transport);
    if (due.empty() || !where) co_return;
    const std::string relay = where->path.empty() ? where->address.to_string() : where->path;
    lmtp_client::content_maker content = [&with, &pool, message]() -> std::unique_ptr<content_source> {
        return std::make_unique<stored_content>(with.queue, pool, message);
    };
    auto letter = outgoing(*message, due);
    const auto outcomes =
        co_await client.deliver(*where, config->server.hostname, std::move(letter), std::move(content));
    for (std::size_t i = 0; i < due.size(); ++i)
        record_outcome(with, *config, *message, due[i], outcome_of(outcomes[i], relay));
}

} // namespace postern::server

// Where a message becomes ours. The order is the promise: body durable, then the record that names it
// durable, then the 250. Whatever fails or takes too long on the way is a 4yz, and nothing of the message is
// kept.
#include "server/session_driver.hpp"

#include "policy/sender_proof.hpp"
#include "policy/trace_fields.hpp"
#include "server/clock.hpp"

#include <map>

namespace postern::server {
namespace asio = boost::asio;
using boost::system::error_code;
using protocol::make_reply;
using protocol::reply_id;
using protocol::verdict_answer;
using storage::storage_errc;

namespace {

constexpr std::chrono::seconds disk_deadline{60}; // then 451: the sender keeps the message

bool is_junk(const policy::transaction& learned, std::size_t recipient) {
    return recipient < learned.outcomes.size() &&
           learned.outcomes[recipient].what == policy::recipient_outcome::kind::junk;
}

} // namespace

bool session_driver::refuses_new_mail(protocol::reply& with) const {
    if (services_.counts.disk_low.load(std::memory_order_relaxed)) {
        with = make_reply(reply_id::disk_full);
        return true;
    }
    if (!services_.spool.has_room()) {
        with = make_reply(reply_id::queue_full);
        return true;
    }
    return false;
}

void session_driver::open_message() {
    message_time_ = now_microseconds();
    message_id_ = services_.ids.next(message_time_);
    body_ = std::make_unique<incoming_body>(services_.spool, services_.pool, message_id_);
    session_->on_message_opened(message_id_.to_string(), message_time_ / 1'000'000,
                                policy::trace_fields(*learned_, listener_->hostname));
    learned_->reports_written = learned_->reports.size();
    log_event_now(log_event::received);
}

// queue.min_free is for files: what is free within the queue's own file serves no body.
bool session_driver::may_write_body() const {
    return body_->in_file() || !services_.counts.no_new_bodies.load(std::memory_order_relaxed);
}

asio::awaitable<void> session_driver::store() {
    set_deadline(disk_deadline);
    incoming_body::stored done{make_error_code(storage_errc::no_space), {}};
    if (may_write_body()) done = co_await body_->append(session_->take_body(), &give_up_);
    clear_deadline();
    verdict_answer answer;
    if (done.ec) answer = answer_for(done.ec);
    session_->on_stored(std::move(answer), std::move(done.recycled));
}

// Of a mail client's message (RFC 6409 §8).
void session_driver::add_missing_fields() {
    if (session_->account().empty()) return;
    const auto& header = session_->header();
    auto& fields = learned_->result_fields; // first, for those behind may not fit
    if (!header.has_message_id())
        fields.insert(fields.begin(),
                      protocol::message_id_field(message_id_.to_string(), listener_->hostname));
    if (!header.has_date()) fields.insert(fields.begin(), protocol::date_field(message_time_ / 1'000'000));
}

storage::queued_message session_driver::envelope_for_queue() const {
    const auto& from = session_->transaction();
    storage::queued_message made;
    made.id = message_id_;
    made.arrived = message_time_;
    made.smtputf8 = session_->smtputf8_needed();
    made.body_type = static_cast<std::uint8_t>(session_->body_needed());
    made.ret = static_cast<std::uint8_t>(from.ret);
    made.sender = from.sender_text();
    made.envelope_id = from.envelope_id;
    made.session = id_;
    made.client = client_text_;
    made.helo = session_->helo();
    made.protocol = session_->protocol_name();
    made.account = session_->account();
    const bool from_people = !session_->account().empty();
    made.proof = from_people ? storage::sender_proof::proved : policy::proof_of_sender(*learned_);
    made.result_fields = policy::result_fields(*learned_);
    // One copy for each final address, however many RCPTs lead to it.
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t i = 0; i < from.recipients.size(); ++i) {
        if (session_->is_refused(i)) continue;
        const auto& asked = from.recipients[i];
        const bool junk = is_junk(*learned_, i);
        for (const auto& box : learned_->recipients[i].leads_to) {
            const auto [known, is_new] = seen.try_emplace(box.address, made.recipients.size());
            // Whose other RCPT has it in the inbox needs no second copy elsewhere.
            if (!is_new && !junk) made.recipients[known->second].junk = false;
            if (!is_new) continue;
            storage::queued_recipient recipient;
            recipient.address = box.address;
            recipient.original = asked.mailbox.to_string();
            recipient.orcpt = asked.original;
            recipient.notify = asked.notify;
            recipient.route = box.local ? storage::recipient_route::local : storage::recipient_route::outside;
            recipient.junk = junk && box.local;
            recipient.next_try = message_time_ / 1'000'000;
            made.recipients.push_back(std::move(recipient));
        }
    }
    return made;
}

// The body as the queue wants it: inline, in pieces, or a durable file.
asio::awaitable<error_code> session_driver::finish_body(std::string rest, storage::insert_message& into) {
    // The last segment may bring it over the block that the session hands out before the end.
    if (body_->size() == 0 && rest.size() <= storage::inline_body_max) {
        into.message.size = rest.size();
        into.body = std::move(rest);
        co_return error_code{};
    }
    if (!may_write_body()) co_return storage_errc::no_space;
    const error_code flushed = co_await body_->finish(std::move(rest), &give_up_);
    if (flushed) co_return flushed;
    into.message.size = body_->size();
    into.message.body_in_file = true;
    into.pieces = body_->take_pieces();
    co_return error_code{};
}

asio::awaitable<void> session_driver::commit() {
    set_deadline(disk_deadline);
    forget_rate();
    storage::insert_message insert;
    add_missing_fields();
    insert.message = envelope_for_queue();
    error_code ec = co_await finish_body(session_->take_body(), insert);
    if (!ec) {
        auto say = [said = to_be_said_when_durable(insert.message.size, insert.message.recipients.size()),
                    until_then = body_->memory()] { said(); };
        storage::queue_operation operation = std::move(insert);
        ec = co_await services_.spool.submit(std::move(operation), &give_up_, std::move(say));
        // Given up, it may still be written: then the file must be there. Recovery removes it if not.
        if (!ec || ec == storage_errc::timed_out) {
            body_->keep();
            if (learned_->room_to_send) learned_->room_to_send->kept();
        }
    }
    clear_deadline();
    services_.counts.reply_times.add(std::chrono::steady_clock::now() - content_ended_);
    session_->on_commit(ec ? answer_for(ec) : verdict_answer{});
    body_.reset();
    learned_.reset();
}

verdict_answer session_driver::answer_for(const error_code& trouble) const {
    const bool full = trouble == storage_errc::no_space || trouble == storage_errc::map_full;
    auto why = full                            ? reply_id::storage_full
               : trouble == storage_errc::busy ? reply_id::queue_full
                                               : reply_id::not_kept;
    services_.journal.write({.event = log_event::fault,
                             .level = conf::log_level::error,
                             .session = id_,
                             .queue_id = session_->message_id_text(),
                             .text = trouble.message()});
    return {verdict_answer::kind::refuse, make_reply(why)};
}

} // namespace postern::server

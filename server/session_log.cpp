// A session's lines in the log: every one carries the session's id, and the queue id once there is one.
#include "server/session_driver.hpp"

#include "server/clock.hpp"

namespace postern::server {

log_record session_driver::record(log_event event) const {
    log_record made;
    made.event = event;
    made.session = id_;
    made.listener = listener_->name;
    made.client = client_text_;
    made.client_port = client_port_;
    if (!session_) return made;
    made.queue_id = session_->message_id_text();
    made.helo = session_->helo();
    made.protocol = session_->protocol_name();
    made.stage = session_->last_stage();
    made.commands = session_->commands();
    made.messages = session_->messages();
    made.sasl_username = session_->account();
    made.sasl_method = made.sasl_username.empty() ? std::string_view() : auth_method_;
    return made;
}

void session_driver::log_event_now(log_event event, std::string_view text) {
    log_record made = record(event);
    made.text = text;
    tls::session_facts facts;
    if (event == log_event::tls_established && stream_->tls_layer() != nullptr) {
        facts = stream_->tls_layer()->facts();
        made.tls_protocol = facts.protocol;
        made.tls_cipher = facts.cipher;
        services_.counts.handshakes.add(facts.protocol, facts.resumed);
    }
    services_.journal.write(made);
}

void session_driver::log_refusal(const protocol::refusal& what) {
    using state = protocol::server_session::state;
    const auto& transaction = session_->transaction();
    const std::string line = reply_line(what.with);
    const bool of_recipient = !what.recipient.empty();
    const bool of_message = what.about == protocol::refused_thing::message;
    if (listener_->role == conf::listener_role::tempfail)
        services_.counts.put_off.fetch_add(1, std::memory_order_relaxed);
    auto made =
        record(!what.cause.empty()                                               ? log_event::command_error
               : of_message                                                      ? log_event::not_accepted
               : of_recipient || what.stage == "MAIL" || what.stage == "CONNECT" ? log_event::rejected
                                                                                 : log_event::command_error);
    made.level = conf::log_level::warning;
    made.stage = what.stage;
    made.text = what.cause;
    made.reply = line;
    if (what.about != protocol::refused_thing::command)
        made.test = reason_of(what).check; // or it is the session that ends, for its errors
    made.to = what.recipient;
    const std::string from = transaction.sender_text();
    made.has_from = what.about == protocol::refused_thing::sender || session_->current() == state::mail ||
                    session_->current() == state::rcpt || session_->current() == state::chunking;
    made.from = from;
    if (of_recipient) services_.counts.recipients_refused.fetch_add(1, std::memory_order_relaxed);
    if (of_message) services_.counts.messages_refused.fetch_add(1, std::memory_order_relaxed);
    std::string first;
    if (of_message && !transaction.recipients.empty()) {
        first = transaction.recipients.front().mailbox.to_string();
        made.to = first;
        made.recipients = static_cast<std::uint32_t>(transaction.recipients.size());
    }
    services_.journal.write(made);
    keep_refusal(what);
}

// Which check is behind a refusal, and why it says so. One recipient's, after the data, has its own; unless
// the message could not be stored.
session_driver::refusal_reason session_driver::reason_of(const protocol::refusal& what) const {
    if (what.place && learned_ && session_->is_refused(*what.place)) {
        const auto& own = learned_->outcomes.at(*what.place);
        if (own.what != policy::recipient_outcome::kind::refuse) return {}; // the disk's trouble
        return {own.check, own.cause};
    }
    if (refused_by_ == nullptr) return {};
    return {refused_by_->check, refused_by_->cause};
}

void session_driver::note_cause() {
    if (refused_by_ == nullptr || refused_by_->cause.empty()) return;
    log_event_now(log_event::note, std::string(refused_by_->check) + ": " + refused_by_->cause);
}

// The recipient that the tests are asked about, or those of the message that it is about; none before them.
std::vector<protocol::address> session_driver::asked_about(const policy::judgement& by) const {
    if (session_->question() == protocol::question_stage::rcpt) return {session_->candidate().mailbox};
    std::vector<protocol::address> all;
    const auto& recipients = session_->transaction().recipients;
    for (const auto i : by.about) all.push_back(recipients.at(i).mailbox);
    if (!by.about.empty()) return all;
    for (const auto& one : recipients) all.push_back(one.mailbox);
    return all;
}

// Recipients that were refused, alone or with their message, and senders before they named any. What can't be
// read is none.
void session_driver::keep_refusal(const protocol::refusal& what) {
    using protocol::refused_thing;
    const auto by = reason_of(what);
    const auto keep = [&](const std::optional<protocol::address>& recipient) {
        keep_in_ledger(recipient, what.with, storage::ledger_mode::refused, by.check, by.cause);
    };
    switch (what.about) {
    case refused_thing::command: return;
    case refused_thing::sender: return keep(std::nullopt);
    case refused_thing::recipient: return keep(session_->candidate().mailbox);
    case refused_thing::message: break;
    }
    for (const auto& one : session_->transaction().recipients) keep(one.mailbox);
}

void session_driver::keep_in_ledger(const std::optional<protocol::address>& recipient,
                                    const protocol::reply& with, storage::ledger_mode mode,
                                    std::string_view test, std::string_view cause) {
    if (config_->config->ledger.keep.count() == 0) return;
    storage::ledger_row row;
    row.time = now_seconds();
    row.mode = mode;
    row.client = client_;
    row.sender = session_->transaction().sender;
    row.recipient = recipient;
    row.helo = session_->helo();
    row.listener = listener_->name;
    row.test = test;
    row.reply = reply_line(with);
    row.cause = cause;
    services_.refusals.add(std::move(row));
}

void session_driver::count_test(const policy::judgement& one) {
    using policy::judgement;
    if (one.as == judgement::use::skipped) return;
    auto& counts = services_.counts.tests.at(one.row);
    auto& which = one.as == judgement::use::reported               ? counts.reported
                  : one.said.what == policy::verdict::kind::reject ? counts.rejected
                  : one.said.what == policy::verdict::kind::defer  ? counts.deferred
                                                                   : counts.passed;
    which.fetch_add(1, std::memory_order_relaxed);
}

// What a test would have refused is told as a refusal would be, and says that it was none.
void session_driver::note_tests(const policy::trace& told) {
    for (const auto& one : told) {
        count_test(one);
        if (one.said.is_news && one.as == policy::judgement::use::counted)
            log_event_now(log_event::note, std::string(one.said.check) + ": " + one.said.cause);
        if (one.as != policy::judgement::use::reported) continue;
        if (one.said.passed()) { // it would have gone elsewhere, and not been refused
            log_event_now(log_event::note,
                          std::string(one.said.check) + " would have put it " + one.said.cause);
            continue;
        }
        const std::string line = reply_line(one.said.with);
        const std::string from = session_->transaction().sender_text();
        const auto whom = asked_about(one);
        const std::string to = whom.empty() ? std::string() : whom.front().to_string();
        log_record made = record(log_event::reported);
        made.reply = line;
        made.test = one.said.check;
        made.text = one.said.cause;
        made.from = from;
        made.has_from = true;
        made.to = to;
        services_.journal.write(made);
        for (const auto& recipient : whom)
            keep_in_ledger(recipient, one.said.with, storage::ledger_mode::reported, one.said.check,
                           one.said.cause);
    }
}

namespace {

// A line that is said later, on another thread, when the session may have gone on.
struct kept_line {
    log_record line;
    std::shared_ptr<const conf::listener_settings> listener;
    std::string session, queue_id, client, helo, protocol, from, message_id, sasl_method, sasl_username;
};

std::string_view without_brackets(std::string_view message_id) {
    const bool has = message_id.starts_with('<') && message_id.ends_with('>');
    return has ? message_id.substr(1, message_id.size() - 2) : message_id;
}

} // namespace

// Said by the queue's writer: a message's line stands before those of its delivery.
std::function<void()> session_driver::to_be_said_when_durable(std::uint64_t size,
                                                              std::size_t recipients) const {
    auto kept = std::make_shared<kept_line>();
    const auto own = [](std::string& in, std::string_view text) { return std::string_view(in = text); };
    auto& line = kept->line;
    line = record(log_event::accepted);
    kept->listener = listener_;
    line.session = own(kept->session, line.session);
    line.queue_id = own(kept->queue_id, line.queue_id);
    line.client = own(kept->client, line.client);
    line.helo = own(kept->helo, line.helo);
    line.protocol = own(kept->protocol, line.protocol);
    line.sasl_method = own(kept->sasl_method, line.sasl_method);
    line.sasl_username = own(kept->sasl_username, line.sasl_username);
    line.from = own(kept->from, session_->transaction().sender_text());
    line.has_from = true;
    line.message_id = own(kept->message_id, without_brackets(session_->header().message_id()));
    line.size = size;
    line.recipients = static_cast<std::uint32_t>(recipients);
    return [kept, &journal = services_.journal, &counts = services_.counts] {
        counts.messages_accepted.fetch_add(1, std::memory_order_relaxed);
        journal.write(kept->line);
    };
}

} // namespace postern::server

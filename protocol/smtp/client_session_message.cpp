// One message over a session that is ready: envelope, content, and what the replies mean for its recipients.
#include "protocol/smtp/client_session.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {
using outcome_kind = recipient_outcome::kind;

recipient_outcome outcome_of(const peer_reply& reply) {
    recipient_outcome made;
    made.what = reply.permanent() ? outcome_kind::failed : outcome_kind::deferred;
    made.status = reply.enhanced;
    made.said_by_peer = true;
    made.text = reply.text();
    return made;
}

// RFC 5321 §4.3.2: 251 and 252 are forms of consent to RCPT.
bool accepts_recipient(const peer_reply& reply) { return reply.code >= 250 && reply.code <= 252; }

} // namespace

void client_session::begin(outgoing_message message) {
    assert(!message.recipients.empty());
    message_ = std::move(message);
    outcomes_.assign(message_->recipients.size(), {});
    places_.assign(message_->recipients.size(), place::outside);
    now_ = {};
    heard_ = 0;
    if (fault_) return settle_pending(outcome_kind::deferred, {4, 4, 2}, fault_->text);
    if (!ready_) return;
    begin_transaction();
    go_on();
}

void client_session::quit() {
    quitting_ = true;
    if (wanted_ != client_step::idle) return;
    output_ += "QUIT\r\n";
    expect(awaited::quit);
    go_on();
}

void client_session::begin_transaction() {
    std::fill(places_.begin(), places_.end(), place::outside);
    now_ = {};
    if (!can_carry_message()) return finish_message();
    if (is_spent()) {
        settle_pending(outcome_kind::unasked, {}, "this connection takes no more messages");
        return finish_message();
    }
    ++mails_;
    output_ += mail_line();
    expect(awaited::mail);
    if (offers("PIPELINING")) send_recipients();
}

// As many as go unanswered without filling anybody's buffers; one at a time without PIPELINING. DATA goes
// with the last. BDAT doesn't: it would carry the content to a server that takes no recipient.
void client_session::send_recipients() {
    const std::size_t group = offers("PIPELINING") ? recipients_group_max : 1;
    for (std::size_t sent = 0; sent < group; ++sent) {
        const auto index = next_to_name();
        if (!index) break;
        places_[*index] = place::named;
        ++now_.named;
        ++now_.next;
        output_ += rcpt_line(message_->recipients[*index]);
        expect(awaited::rcpt, *index);
    }
    const bool has_content = message_->purpose == message_purpose::delivery;
    if (has_content && offers("PIPELINING") && !uses_chunks() && !next_to_name()) send_data();
}

void client_session::send_data() {
    output_ += "DATA\r\n";
    expect(awaited::data);
}

void client_session::took_mail(const peer_reply& reply) {
    if (!reply.positive() && !reply.temporary() && !reply.permanent())
        return fail(trouble::kind::protocol, "the reply to MAIL was " + reply.text());
    if (!reply.positive()) settle_all(reply);
    after_envelope();
}

void client_session::took_rcpt(const peer_reply& reply, std::size_t index) {
    // After a refused MAIL a pipelined RCPT is refused as well: that says nothing of its recipient.
    const bool is_its_own = outcomes_[index].what == outcome_kind::pending;
    if (accepts_recipient(reply)) {
        if (is_its_own) places_[index] = place::accepted;
    } else if (is_its_own && is_one_too_many(reply)) {
        places_[index] = place::outside;
        now_.full = true;
    } else if (reply.temporary() || reply.permanent()) {
        settle(index, reply);
        outcomes_[index].of_recipient = is_its_own;
    } else
        return fail(trouble::kind::protocol, "the reply to RCPT was " + reply.text());
    after_envelope();
}

// What follows when nothing is under way: more recipients, the content, or nothing that could be sent.
void client_session::after_envelope() {
    if (!expected_.empty()) return;
    if (next_to_name()) return send_recipients();
    if (message_->purpose == message_purpose::question) {
        settle_question();
    } else if (any_accepted()) {
        if (!uses_chunks()) return send_data();
        fmt::format_to(std::back_inserter(output_), "BDAT {} LAST\r\n", message_->size);
        wanted_ = client_step::send_chunk;
        return;
    }
    output_ += "RSET\r\n";
    expect(awaited::rset);
}

void client_session::took_data(const peer_reply& reply) {
    if (reply.code == 354) {
        // RFC 2920 §3.1: consent although no recipient was taken; only the end of a message may follow
        // (CL-06).
        if (any_accepted()) {
            wanted_ = client_step::send_content;
            return;
        }
        if (settings_.protocol == client_protocol::lmtp)
            return fail(trouble::kind::protocol, "the server takes content for nobody");
        output_ += ".\r\n";
        return expect(awaited::final_reply, message_->recipients.size());
    }
    if (!reply.temporary() && !reply.permanent())
        return fail(trouble::kind::protocol, "the reply to DATA was " + reply.text());
    settle_accepted(reply);
    output_ += "RSET\r\n";
    expect(awaited::rset);
}

void client_session::on_content_sent() {
    now_.content_sent = true;
    output_.clear();
    // RFC 2033 §4.2: LMTP answers for each recipient that it took.
    if (settings_.protocol == client_protocol::lmtp) {
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (places_[i] == place::accepted) expect(awaited::final_reply, i);
    } else {
        expect(awaited::final_reply, message_->recipients.size());
    }
    wanted_ = client_step::read;
}

void client_session::took_final(const peer_reply& reply, std::size_t index) {
    if (!reply.positive() && !reply.temporary() && !reply.permanent())
        return fail(trouble::kind::protocol, "the reply to the content was " + reply.text());
    // RFC 5321 §4.2.4: it knows no such command, and what it took the content for nobody knows.
    if (uses_chunks() && reply.code >= 500 && reply.code <= 504 && message_->body != body_type::binary_mime) {
        now_.content_sent = false;
        settle_pending(outcome_kind::unasked, {}, reply.text());
        return fail(trouble::kind::no_chunks, "BDAT was refused: " + reply.text());
    }
    if (now_.content_broken) {
        if (!reply.positive()) settle_accepted(reply);
        return fail(trouble::kind::lost, "the connection broke within the content");
    }
    if (index == message_->recipients.size())
        settle_accepted(reply);
    else
        settle_content(index, reply);
    if (expected_.empty()) finish_transaction();
}

void client_session::on_content_broken() {
    now_.content_broken = true;
    output_.clear();
    expect(awaited::final_reply, message_->recipients.size());
    wanted_ = client_step::read;
}

// Those that were too many for one transaction have the next one, at once (RFC 5321 §4.5.3.1.10).
void client_session::finish_transaction() {
    if (any_pending()) return begin_transaction();
    finish_message();
}

void client_session::finish_message() {
    message_.reset();
    if (!quitting_) return;
    output_ += "QUIT\r\n";
    expect(awaited::quit);
}

// --- outcomes

bool client_session::any_pending() const {
    return std::any_of(outcomes_.begin(), outcomes_.end(),
                       [](const recipient_outcome& each) { return each.what == outcome_kind::pending; });
}

bool client_session::any_accepted() const {
    for (std::size_t i = 0; i < places_.size(); ++i)
        if (places_[i] == place::accepted && outcomes_[i].what == outcome_kind::pending) return true;
    return false;
}

void client_session::settle_question() {
    for (std::size_t i = 0; i < places_.size(); ++i)
        if (places_[i] == place::accepted && outcomes_[i].what == outcome_kind::pending)
            outcomes_[i].what = outcome_kind::taken;
}

void client_session::settle(std::size_t index, const peer_reply& reply) {
    if (outcomes_[index].what == outcome_kind::pending) outcomes_[index] = outcome_of(reply);
}

void client_session::settle_all(const peer_reply& reply) {
    for (std::size_t i = 0; i < outcomes_.size(); ++i) settle(i, reply);
}

// The only place that makes a recipient delivered.
void client_session::settle_content(std::size_t index, const peer_reply& reply) {
    if (outcomes_[index].what != outcome_kind::pending) return;
    outcomes_[index] = outcome_of(reply);
    if (reply.positive() && now_.content_sent) outcomes_[index].what = outcome_kind::delivered;
}

// The reply to DATA or to the content: of those in this transaction. Whoever has trouble with it now has it
// with the next one as well.
void client_session::settle_accepted(const peer_reply& reply) {
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
        if (places_[i] == place::accepted) settle_content(i, reply);
    if (reply.temporary()) settle_all(reply);
}

void client_session::settle_pending(recipient_outcome::kind what, enhanced_code status,
                                    std::string_view why) {
    recipient_outcome made;
    made.what = what;
    made.status = status;
    made.text = printable(why, peer_reply::text_max);
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
        if (outcomes_[i].what != outcome_kind::pending) continue;
        made.perhaps_delivered = now_.content_sent && places_[i] == place::accepted;
        outcomes_[i] = made;
    }
}

} // namespace postern::protocol

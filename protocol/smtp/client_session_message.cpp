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

std::string_view notify_text(std::uint8_t notify) {
    static constexpr std::string_view words[] = {
        "",      "NEVER", "SUCCESS",       "", "FAILURE",       "", "SUCCESS,FAILURE",      "",
        "DELAY", "",      "SUCCESS,DELAY", "", "FAILURE,DELAY", "", "SUCCESS,FAILURE,DELAY"};
    return notify < std::size(words) ? words[notify] : std::string_view();
}
} // namespace

void client_session::begin(outgoing_message message) {
    assert(!message.recipients.empty());
    message_ = std::move(message);
    outcomes_.assign(message_->recipients.size(), {});
    accepted_.assign(message_->recipients.size(), false);
    next_recipient_ = 0;
    content_sent_ = false;
    heard_ = 0;
    if (fault_) return settle_pending(outcome_kind::deferred, {4, 4, 2}, fault_->text);
    if (!ready_) return;
    send_envelope();
    go_on();
}

void client_session::quit() {
    quitting_ = true;
    if (wanted_ != client_step::idle) return;
    output_ += "QUIT\r\n";
    expect(awaited::quit);
    go_on();
}

// What the server lacks and the message needs: then it can never take it (RFC 3030 §3, RFC 6531 §3.5).
bool client_session::can_carry_message() {
    if (message_->body == body_type::binary_mime && !(offers("CHUNKING") && offers("BINARYMIME"))) {
        settle_pending(outcome_kind::failed, {5, 6, 1}, "the next server takes no BINARYMIME");
        return false;
    }
    if (message_->needs_smtputf8 && !offers("SMTPUTF8")) {
        settle_pending(outcome_kind::failed, {5, 6, 7}, "the next server takes no SMTPUTF8");
        return false;
    }
    return true;
}

void client_session::send_envelope() {
    if (!can_carry_message()) return finish_message();
    output_ += mail_line();
    expect(awaited::mail);
    if (offers("PIPELINING")) send_recipients();
}

// As many as go unanswered without filling anybody's buffers; one at a time without PIPELINING. DATA goes
// with the last.
void client_session::send_recipients() {
    const std::size_t group = offers("PIPELINING") ? recipients_group_max : 1;
    const std::size_t end = std::min(next_recipient_ + group, message_->recipients.size());
    for (; next_recipient_ < end; ++next_recipient_) {
        output_ += rcpt_line(message_->recipients[next_recipient_]);
        expect(awaited::rcpt, next_recipient_);
    }
    const bool all = next_recipient_ == message_->recipients.size();
    const bool has_content = message_->purpose == message_purpose::delivery;
    if (all && has_content && offers("PIPELINING") && message_->body != body_type::binary_mime) send_data();
}

void client_session::send_data() {
    output_ += "DATA\r\n";
    expect(awaited::data);
}

std::string client_session::mail_line() const {
    std::string line = fmt::format("MAIL FROM:<{}>", message_->sender);
    const auto out = std::back_inserter(line);
    if (offers("SIZE") && message_->size != 0) fmt::format_to(out, " SIZE={}", message_->size);
    if (message_->body == body_type::binary_mime)
        line += " BODY=BINARYMIME";
    else if (message_->body == body_type::eight_bit_mime && offers("8BITMIME"))
        line += " BODY=8BITMIME";
    if (message_->needs_smtputf8) line += " SMTPUTF8";
    if (offers("DSN")) {
        if (message_->ret != dsn_return::unset)
            line += message_->ret == dsn_return::full ? " RET=FULL" : " RET=HDRS";
        if (!message_->envelope_id.empty())
            fmt::format_to(out, " ENVID={}", encode_xtext(message_->envelope_id));
    }
    line += "\r\n";
    return line;
}

std::string client_session::rcpt_line(const outgoing_recipient& to) const {
    std::string line = fmt::format("RCPT TO:<{}>", to.address);
    if (offers("DSN")) {
        const auto notify = notify_text(to.notify);
        if (!notify.empty()) fmt::format_to(std::back_inserter(line), " NOTIFY={}", notify);
        const auto semicolon = to.original.find(';');
        if (semicolon != std::string::npos && is_ascii(to.original))
            fmt::format_to(std::back_inserter(line), " ORCPT={};{}", to.original.substr(0, semicolon),
                           encode_xtext(to.original.substr(semicolon + 1)));
    }
    line += "\r\n";
    return line;
}

void client_session::took_mail(const peer_reply& reply) {
    if (!reply.positive() && !reply.temporary() && !reply.permanent())
        return fail(trouble::kind::protocol, "the reply to MAIL was " + reply.text());
    if (!reply.positive()) {
        settle_all(reply);
        next_recipient_ = message_->recipients.size(); // those not named yet needn't be
    }
    after_envelope();
}

void client_session::took_rcpt(const peer_reply& reply, std::size_t index) {
    if (accepts_recipient(reply))
        accepted_[index] = outcomes_[index].what == outcome_kind::pending;
    else if (reply.temporary() || reply.permanent()) {
        // After a refused MAIL a pipelined RCPT is refused as well: that says nothing of its recipient.
        const bool is_its_own = outcomes_[index].what == outcome_kind::pending;
        settle(index, reply);
        outcomes_[index].of_recipient = is_its_own;
    } else
        return fail(trouble::kind::protocol, "the reply to RCPT was " + reply.text());
    after_envelope();
}

// What follows when nothing is under way: more recipients, the content, or nothing that could be sent.
void client_session::after_envelope() {
    if (!expected_.empty()) return;
    if (next_recipient_ < message_->recipients.size()) return send_recipients();
    if (message_->purpose == message_purpose::question) {
        settle_question();
    } else if (any_accepted()) {
        if (message_->body != body_type::binary_mime) return send_data();
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
    settle_all(reply);
    output_ += "RSET\r\n";
    expect(awaited::rset);
}

void client_session::on_content_sent() {
    content_sent_ = true;
    output_.clear();
    // RFC 2033 §4.2: LMTP answers for each recipient that it took.
    if (settings_.protocol == client_protocol::lmtp) {
        for (std::size_t i = 0; i < accepted_.size(); ++i)
            if (accepted_[i]) expect(awaited::final_reply, i);
    } else {
        expect(awaited::final_reply, message_->recipients.size());
    }
    wanted_ = client_step::read;
}

void client_session::took_final(const peer_reply& reply, std::size_t index) {
    if (!reply.positive() && !reply.temporary() && !reply.permanent())
        return fail(trouble::kind::protocol, "the reply to the content was " + reply.text());
    const bool of_all = index == message_->recipients.size();
    for (std::size_t i = of_all ? 0 : index; i < (of_all ? outcomes_.size() : index + 1); ++i) {
        if (outcomes_[i].what != outcome_kind::pending) continue;
        outcomes_[i] = outcome_of(reply);
        if (reply.positive() && content_sent_) outcomes_[i].what = outcome_kind::delivered;
    }
    if (expected_.empty()) finish_message();
}

void client_session::finish_message() {
    message_.reset();
    if (!quitting_) return;
    output_ += "QUIT\r\n";
    expect(awaited::quit);
}

// --- outcomes

bool client_session::any_accepted() const {
    for (std::size_t i = 0; i < accepted_.size(); ++i)
        if (accepted_[i] && outcomes_[i].what == outcome_kind::pending) return true;
    return false;
}

void client_session::settle_question() {
    for (std::size_t i = 0; i < accepted_.size(); ++i)
        if (accepted_[i] && outcomes_[i].what == outcome_kind::pending)
            outcomes_[i].what = outcome_kind::taken;
}

void client_session::settle(std::size_t index, const peer_reply& reply) {
    if (outcomes_[index].what == outcome_kind::pending) outcomes_[index] = outcome_of(reply);
}

void client_session::settle_all(const peer_reply& reply) {
    for (std::size_t i = 0; i < outcomes_.size(); ++i) settle(i, reply);
}

void client_session::settle_pending(recipient_outcome::kind what, enhanced_code status,
                                    std::string_view why) {
    recipient_outcome made;
    made.what = what;
    made.perhaps_delivered = content_sent_;
    made.status = status;
    made.text = printable(why, peer_reply::text_max);
    for (auto& each : outcomes_)
        if (each.what == outcome_kind::pending) each = made;
}

} // namespace postern::protocol

// What MAIL and RCPT say of a message to a server, and how much of it the server can take.
#include "protocol/smtp/client_session.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {
using outcome_kind = recipient_outcome::kind;

std::string_view notify_text(std::uint8_t notify) {
    static constexpr std::string_view words[] = {
        "",      "NEVER", "SUCCESS",       "", "FAILURE",       "", "SUCCESS,FAILURE",      "",
        "DELAY", "",      "SUCCESS,DELAY", "", "FAILURE,DELAY", "", "SUCCESS,FAILURE,DELAY"};
    return notify < std::size(words) ? words[notify] : std::string_view();
}

std::string domain_of(const std::string& address) {
    return to_lower(address.substr(std::min(address.rfind('@'), address.size())));
}

} // namespace

// What the server lacks and the message needs: then it can never take it (RFC 3030 §3, RFC 6531 §3.5, RFC
// 1870 §6.1).
bool client_session::can_carry_message() {
    if (message_->body == body_type::binary_mime && !(offers("CHUNKING") && offers("BINARYMIME"))) {
        settle_pending(outcome_kind::failed, {5, 6, 1}, "the next server takes no BINARYMIME");
        return false;
    }
    if (message_->needs_smtputf8 && !offers("SMTPUTF8")) {
        settle_pending(outcome_kind::failed, {5, 6, 7}, "the next server takes no SMTPUTF8");
        return false;
    }
    const auto largest = parse_number(value_of("SIZE").value_or(std::string_view()));
    if (largest && *largest != 0 && message_->size > *largest) { // 0: it has no fixed one
        settle_pending(
            outcome_kind::failed, {5, 3, 4},
            fmt::format("the message has {} octets, and the next server takes {}", message_->size, *largest));
        return false;
    }
    return true;
}

bool client_session::sends_seven_bit() const {
    return message_ && message_->body == body_type::eight_bit_mime &&
           settings_.protocol == client_protocol::smtp && !offers("8BITMIME");
}

// What is encoded on its way has no size yet.
bool client_session::uses_chunks() const {
    if (message_->body == body_type::binary_mime) return true;
    return settings_.protocol == client_protocol::smtp && settings_.chunks == client_chunks::when_offered &&
           offers("CHUNKING") && !sends_seven_bit();
}

// The next one for the transaction; none: all are in it, or it is full.
std::optional<std::size_t> client_session::next_to_name() {
    if (now_.full || (limits_.recipients != 0 && now_.named >= limits_.recipients)) return std::nullopt;
    for (; now_.next < outcomes_.size(); ++now_.next)
        if (outcomes_[now_.next].what == outcome_kind::pending &&
            fits_domains(message_->recipients[now_.next].address))
            return now_.next;
    return std::nullopt;
}

bool client_session::fits_domains(const std::string& address) {
    if (limits_.domains == 0) return true;
    auto domain = domain_of(address);
    if (std::find(now_.domains.begin(), now_.domains.end(), domain) != now_.domains.end()) return true;
    if (now_.domains.size() >= limits_.domains) return false;
    now_.domains.push_back(std::move(domain));
    return true;
}

// RFC 5321 §4.5.3.1.10: 452, or the 552 of old, for one more than the server takes at a time. Who has no
// enhanced code may mean something else: then the recipient hears it again as the first of its transaction,
// where it can't be one too many.
bool client_session::is_one_too_many(const peer_reply& reply) const {
    if (message_->purpose != message_purpose::delivery || !any_accepted()) return false;
    const auto& code = reply.enhanced;
    if (code.category != 0)
        return (reply.temporary() || reply.permanent()) && code.subject == 5 && code.detail == 3;
    return reply.code == 452 || reply.code == 552;
}

std::string client_session::mail_line() const {
    std::string line = fmt::format("MAIL FROM:<{}>", message_->sender);
    const auto out = std::back_inserter(line);
    if (offers("SIZE") && message_->size != 0 && !sends_seven_bit())
        fmt::format_to(out, " SIZE={}", message_->size);
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

} // namespace postern::protocol

// The order of replies is the order of commands: each command that is written leaves an expectation, and each
// reply answers the first of them. Pipelining (RFC 2920) is only more than one expectation at a time.
#include "protocol/smtp/client_session.hpp"

#include "protocol/smtp/grammar.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
client_session::client_session(client_settings settings) : settings_(std::move(settings)) {
    expect(awaited::greeting);
}

std::optional<std::string_view> client_session::value_of(std::string_view keyword) const {
    const std::string wanted = to_lower(keyword);
    const auto found = std::find_if(capabilities_.begin(), capabilities_.end(),
                                    [&](const capability& each) { return each.keyword == wanted; });
    if (found == capabilities_.end()) return std::nullopt;
    return found->value;
}

bool client_session::offers(std::string_view keyword) const { return value_of(keyword).has_value(); }

// --- input and output

void client_session::on_input(std::string_view octets) {
    while (!octets.empty() && wanted_ == client_step::read) {
        if (expected_.empty()) return fail(trouble::kind::protocol, "the server speaks without being asked");
        auto got = replies_.feed(octets);
        octets.remove_prefix(got.consumed);
        if (got.what == reply_reader::status::need_more) return;
        if (got.what == reply_reader::status::malformed)
            return fail(trouble::kind::protocol, "the server answered with what is no reply");
        const bool secures = expected_.front().what == awaited::starttls;
        take(std::move(got.reply));
        // What came in plain behind the consent to TLS could be anybody's (CL-01).
        if (secures && wanted_ == client_step::start_tls && !octets.empty())
            return fail(trouble::kind::protocol, "the server sent plain text behind its reply to STARTTLS");
    }
    if (octets.empty() || wanted_ == client_step::close) return;
    if (wanted_ != client_step::send_content)
        return fail(trouble::kind::protocol, "the server speaks without being asked");
    on_content_broken(); // it has changed its mind
    on_input(octets);
}

void client_session::on_written() {
    if (!logged_in_ && settings_.login) sasl::wipe(output_);
    output_.clear();
    go_on();
}

// Reads while something is awaited.
void client_session::go_on() {
    if (wanted_ == client_step::close) return;
    if (!output_.empty())
        wanted_ = client_step::write;
    else if (!expected_.empty())
        wanted_ = client_step::read;
    else
        wanted_ = quitting_ ? client_step::close : client_step::idle;
}

void client_session::take(peer_reply reply) {
    ++heard_;
    const auto awaited_now = expected_.front();
    expected_.pop_front();
    // RFC 5321 §3.8: a server that must go says so instead of any reply.
    if (reply.code == 421 && awaited_now.what != awaited::quit) return took_farewell(reply, awaited_now.what);
    switch (awaited_now.what) {
    case awaited::greeting: took_greeting(reply); break;
    case awaited::hello: took_hello(reply); break;
    case awaited::starttls: took_starttls(reply); break;
    case awaited::auth: took_auth(reply); break;
    case awaited::mail: took_mail(reply); break;
    case awaited::rcpt: took_rcpt(reply, awaited_now.recipient); break;
    case awaited::data: took_data(reply); break;
    case awaited::final_reply: took_final(reply, awaited_now.recipient); break;
    case awaited::rset:
        if (!reply.positive()) return fail(trouble::kind::protocol, "RSET was refused: " + reply.text());
        finish_transaction();
        break;
    case awaited::quit: wanted_ = client_step::close; return;
    }
    if (wanted_ == client_step::read || wanted_ == client_step::write) go_on();
}

// --- up to ready

// RFC 5321 §4.2: a greeting begins with the server's name.
bool client_session::is_our_own(std::string_view greeting) const {
    const auto name = greeting.substr(0, greeting.find(' '));
    return std::any_of(settings_.own_names.begin(), settings_.own_names.end(),
                       [&](const std::string& own) { return equals_ignoring_case(own, name); });
}

void client_session::took_greeting(const peer_reply& reply) {
    if (reply.code == 220 && is_our_own(reply.lines.front())) {
        constexpr std::string_view why = "mail loop: the server that the mail is to go to is this one";
        settle_pending(recipient_outcome::kind::failed, {5, 4, 6}, why);
        return fail(trouble::kind::ourselves, std::string(why));
    }
    if (reply.code == 220) return say_hello();
    if (reply.permanent()) return fail(trouble::kind::refused, reply.text());
    if (reply.temporary()) return fail(trouble::kind::temporary, reply.text());
    fail(trouble::kind::protocol, "the greeting was " + reply.text());
}

void client_session::say_hello() {
    capabilities_.clear();
    limits_ = {};
    const auto* verb = settings_.protocol == client_protocol::lmtp ? "LHLO" : says_helo_ ? "HELO" : "EHLO";
    fmt::format_to(std::back_inserter(output_), "{} {}\r\n", verb, settings_.hostname);
    expect(awaited::hello);
}

// RFC 5321 §4.1.1.1: each line behind the first names an extension.
void client_session::learn(const peer_reply& reply) {
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        const std::string& line = reply.lines[i];
        const auto blank = std::min(line.find(' '), line.size());
        capabilities_.push_back(
            {to_lower(line.substr(0, blank)), line.substr(std::min(blank + 1, line.size()))});
    }
    if (const auto limits = value_of("LIMITS")) learn_limits(*limits);
}

std::string_view client_session::take_word(std::string_view& list) {
    const auto word = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(word.size() + 1, list.size()));
    return word;
}

// RFC 9422 §3: "NAME=number" and others that we needn't know. What is no number is no limit.
void client_session::learn_limits(std::string_view text) {
    while (!text.empty()) {
        const auto word = take_word(text);
        const auto sign = word.find('=');
        if (sign == std::string_view::npos) continue;
        const auto number = parse_number(word.substr(sign + 1));
        if (!number) continue;
        const auto name = word.substr(0, sign);
        if (equals_ignoring_case(name, "RCPTMAX")) limits_.recipients = *number;
        if (equals_ignoring_case(name, "MAILMAX")) limits_.mails = *number;
        if (equals_ignoring_case(name, "RCPTDOMAINMAX")) limits_.domains = *number;
    }
}

void client_session::took_hello(const peer_reply& reply) {
    if (reply.code == 250) {
        if (!says_helo_) learn(reply);
        return become_ready();
    }
    // RFC 5321 §3.2: a server of old knows HELO only; one that was secured is none.
    if (!says_helo_ && reply.permanent() && !tls_ && settings_.protocol == client_protocol::smtp &&
        settings_.tls != client_tls::required) {
        says_helo_ = true;
        return say_hello();
    }
    if (reply.permanent()) return fail(trouble::kind::refused, reply.text());
    if (reply.temporary()) return fail(trouble::kind::temporary, reply.text());
    fail(trouble::kind::protocol, "the reply to our greeting was " + reply.text());
}

void client_session::become_ready() {
    if (!tls_ && settings_.tls != client_tls::never) {
        if (offers("STARTTLS")) {
            output_ += "STARTTLS\r\n";
            return expect(awaited::starttls);
        }
        if (settings_.tls == client_tls::required)
            return fail(trouble::kind::no_tls, "TLS is required and the server does not offer it");
    }
    if (settings_.login && !logged_in_) return say_login();
    ready_ = true;
    if (message_) begin_transaction();
}

void client_session::took_starttls(const peer_reply& reply) {
    if (reply.code != 220) return fail(trouble::kind::no_tls, "STARTTLS was refused: " + reply.text());
    wanted_ = client_step::start_tls;
}

void client_session::on_tls(bool done, std::string_view why) {
    if (!done) return fail(trouble::kind::no_tls, std::string(why));
    tls_ = true;
    replies_ = {};
    say_hello(); // RFC 3207 §4.2: what was learned before is forgotten
    wanted_ = client_step::write;
}

// --- the end

void client_session::fail(trouble::kind what, std::string text) {
    wanted_ = client_step::close;
    expected_.clear();
    output_.clear();
    settle_pending(recipient_outcome::kind::deferred, {4, 4, 2}, text);
    fault_ = trouble{what, printable(text, peer_reply::text_max)};
    message_.reset();
}

// One that has had enough messages over this connection says it at the next one's MAIL: nothing is against
// asking it again over another.
void client_session::took_farewell(const peer_reply& reply, awaited instead_of) {
    const bool has_had_some = instead_of == awaited::mail && mails_ > 1;
    if (has_had_some) settle_pending(recipient_outcome::kind::unasked, reply.enhanced, reply.text());
    if (instead_of == awaited::final_reply) now_.content_sent = false; // an answer, and it is no consent
    fail(trouble::kind::temporary, reply.text());
}

void client_session::on_content_unfit(enhanced_code status, std::string_view why) {
    if (wanted_ == client_step::close) return;
    settle_pending(recipient_outcome::kind::failed, status, why);
    fail(trouble::kind::lost, std::string(why));
}

void client_session::on_lost(std::string_view why) {
    if (wanted_ == client_step::close) return;
    const bool asked_to_end = quitting_ && !message_;
    if (asked_to_end) {
        wanted_ = client_step::close;
        return;
    }
    fail(trouble::kind::lost, std::string(why));
}

} // namespace postern::protocol

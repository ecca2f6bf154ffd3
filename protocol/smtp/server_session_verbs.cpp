// What each verb does where the table allows it, and what the answers to its questions lead to. No verb
// touches input or output other than by say(), refuse() and want().
#include "protocol/smtp/server_session.hpp"

#include <fmt/format.h>

namespace postern::protocol {

void server_session::on_verdict(verdict_answer answer) {
    wanted_ = step::read;
    switch (question_) {
    case question_stage::connect: decided_connect(answer); break;
    case question_stage::helo: decided_helo(answer); break;
    case question_stage::auth: break; // on_auth()
    case question_stage::mail: decided_mail(answer); break;
    case question_stage::rcpt: decided_rcpt(answer); break;
    case question_stage::content: decided_content(answer); break;
    }
}

void server_session::decided_connect(verdict_answer& answer) {
    phase_ = phase::command;
    if (close_after_write_) return; // an early talker was told already
    if (answer.what == verdict_answer::kind::accept) {
        say(reply_id::greeting, {settings_.hostname});
        return;
    }
    // RFC 5321 §3.1: after a 554 greeting the client may only QUIT; a 4yz one ends the connection.
    answer.with.close = answer.with.close || !answer.with.permanent();
    state_ = state::refused;
    refuse(answer.with, refused_thing::command);
}

// --- EHLO, HELO

void server_session::do_helo(const command& what) { greet(what, greeting_kind::helo); }
void server_session::do_ehlo(const command& what) { greet(what, greeting_kind::ehlo); }

void server_session::greet(const command& what, greeting_kind kind) {
    if (more_input_behind_) return refuse(reply_id::pipelined_after_ehlo, {stage_});
    auto name = parse_helo(what.argument);
    if (!name) return refuse(reply_id::bad_helo, {stage_});
    count_junk();
    if (close_after_write_) return;
    reset_transaction(); // RFC 5321 §4.1.4: a later EHLO works like RSET
    helo_ = std::move(*name);
    greeting_ = kind;
    question_ = question_stage::helo;
    want(step::ask);
}

void server_session::decided_helo(verdict_answer& answer) {
    if (answer.what == verdict_answer::kind::refuse) {
        state_ = state::fresh;
        return refuse(answer.with, refused_thing::command);
    }
    state_ = state::ready;
    if (greeting_ == greeting_kind::ehlo)
        say_ehlo();
    else
        say(reply_id::helo_ok, {settings_.hostname});
}

void server_session::say_ehlo() {
    reply answer = make_reply(reply_id::ehlo_ok, {settings_.hostname});
    extension_context context;
    context.max_message_size = settings_.max_message_size;
    context.max_recipients = settings_.max_recipients;
    context.tls_available = settings_.offer_tls && !tls_;
    context.takes_utf8 = settings_.takes_utf8;
    context.takes_binary = settings_.takes_binary;
    context.answers_each = settings_.offer_prdr;
    const std::string mechanisms = offers_auth() ? sasl::announced(mechanisms_now()) : std::string();
    context.auth_mechanisms = mechanisms;
    for (const auto& row : extensions()) {
        if (!row.offered(context)) continue;
        answer.text += '\n';
        answer.text += row.keyword;
        if (row.describe != nullptr) row.describe(context, answer.text);
    }
    say(answer);
}

// --- MAIL

void server_session::do_mail(const command& what) {
    reset_transaction();
    if (lacks_proof())
        return refuse(make_reply(tls_ ? reply_id::need_auth : reply_id::need_tls), refused_thing::command);
    if (!read_mail(what)) {
        now().envelope = {};
        return;
    }
    question_ = question_stage::mail;
    want(step::ask);
}

bool server_session::read_mail(const command& what) {
    const auto fail = [this](reply_id why, std::string_view value = {}) {
        refuse(why, {value});
        return false;
    };
    const auto path_text = after_keyword(what.argument, "FROM");
    if (!path_text) return fail(reply_id::mail_syntax);
    auto path = parse_path(*path_text, path_kind::reverse, unicode::allow);
    if (!path) return fail(reply_id::bad_sender_address, *path_text);
    const auto parameters = parse_parameters(path_text->substr(path->length));
    if (!parameters) return fail(reply_id::bad_parameter, path_text->substr(path->length));
    const auto applied = apply_mail_parameters(*parameters, now().envelope);
    if (!applied)
        return fail(applied.error().what == parse_errc::unknown_parameter ? reply_id::unknown_parameter
                                                                          : reply_id::bad_parameter,
                    path_text->substr(path->length));
    if ((now().envelope.smtputf8 && !settings_.takes_utf8) || (now().envelope.prdr && !settings_.offer_prdr))
        return fail(reply_id::unknown_parameter, path_text->substr(path->length));
    if (now().envelope.body == body_type::binary_mime && !settings_.takes_binary)
        return fail(reply_id::bad_parameter, path_text->substr(path->length));
    if (path->utf8 && !now().envelope.smtputf8) return fail(reply_id::sender_needs_utf8);
    // RFC 6531 §3.3: UTF-8 in a parameter needs SMTPUTF8 as it does in an address.
    if (!now().envelope.smtputf8 && !is_ascii(path_text->substr(path->length)))
        return fail(reply_id::bad_parameter, path_text->substr(path->length));
    now().envelope.sender = std::move(path->mailbox);
    if (now().envelope.declared_size > settings_.max_message_size)
        return fail(reply_id::size_over_limit, std::to_string(settings_.max_message_size));
    return true;
}

void server_session::decided_mail(verdict_answer& answer) {
    if (answer.what == verdict_answer::kind::refuse) {
        refuse(answer.with, refused_thing::sender);
        return reset_transaction();
    }
    state_ = state::mail;
    say(reply_id::mail_ok);
}

// --- RCPT

void server_session::do_rcpt(const command& what) {
    now().candidate = {};
    if (!read_rcpt(what)) return;
    if (now().envelope.recipients.size() >= settings_.max_recipients)
        return refuse(make_reply(reply_id::too_many_recipients, {std::to_string(settings_.max_recipients)}),
                      refused_thing::recipient, now().candidate.mailbox.to_string());
    question_ = question_stage::rcpt;
    want(step::ask);
}

bool server_session::read_rcpt(const command& what) {
    std::string_view path_and_rest;
    const auto fail = [&](reply_id why, std::string_view value = {}) {
        refuse(make_reply(why, {value}), refused_thing::command, path_and_rest);
        return false;
    };
    const auto path_text = after_keyword(what.argument, "TO");
    if (!path_text) return fail(reply_id::rcpt_syntax);
    path_and_rest = *path_text;
    auto path = parse_path(*path_text, path_kind::forward, unicode::allow);
    if (!path) return fail(reply_id::bad_recipient_address, *path_text);
    const auto rest = path_text->substr(path->length);
    const auto parameters = parse_parameters(rest);
    if (!parameters) return fail(reply_id::bad_parameter, rest);
    const auto applied = apply_rcpt_parameters(*parameters, now().candidate);
    if (!applied)
        return fail(applied.error().what == parse_errc::unknown_parameter ? reply_id::unknown_parameter
                                                                          : reply_id::bad_parameter,
                    rest);
    if (path->utf8 && !now().envelope.smtputf8) return fail(reply_id::recipient_needs_utf8);
    if (!now().envelope.smtputf8 && !is_ascii(rest)) return fail(reply_id::bad_parameter, rest);
    now().candidate.mailbox = std::move(*path->mailbox);
    return true;
}

void server_session::decided_rcpt(verdict_answer& answer) {
    if (answer.what == verdict_answer::kind::refuse)
        return refuse(answer.with, refused_thing::recipient, now().candidate.mailbox.to_string());
    now().envelope.recipients.push_back(std::move(now().candidate));
    state_ = state::rcpt;
    say(reply_id::rcpt_ok);
}

// --- the small verbs

bool server_session::no_argument(const command& what) {
    if (what.argument.empty()) return true;
    refuse(reply_id::no_argument_allowed, {what.name});
    return false;
}

void server_session::do_rset(const command& what) {
    if (!no_argument(what)) return;
    reset_transaction();
    say(reply_id::reset_ok);
    count_junk();
}

void server_session::do_noop(const command&) {
    say(reply_id::noop_ok);
    count_junk();
}

void server_session::do_vrfy(const command& what) {
    if (what.argument.empty()) return refuse(reply_id::bad_parameter, {"VRFY needs an address"});
    say(reply_id::vrfy_cannot);
    count_junk();
}

void server_session::do_help(const command&) {
    say(reply_id::help_text);
    count_junk();
}

void server_session::do_quit(const command&) { say(reply_id::bye); }

void server_session::do_starttls(const command& what) {
    if (!no_argument(what)) return;
    if (tls_) return refuse(reply_id::tls_already);
    if (!settings_.offer_tls) return refuse(reply_id::tls_not_offered);
    if (more_input_behind_) return refuse(reply_id::input_before_tls);
    say(reply_id::tls_ready);
    want(step::start_tls);
}

// --- refusals that the table names

void server_session::say_not_implemented(const command&) { refuse(reply_id::not_implemented); }
void server_session::say_foreign(const command&) { refuse(reply_id::foreign_protocol, {settings_.hostname}); }
void server_session::say_unknown(const command&) { refuse(reply_id::unknown_command); }
void server_session::say_need_helo(const command&) { refuse(reply_id::need_helo); }
void server_session::say_need_mail(const command&) { refuse(reply_id::need_mail); }
void server_session::say_need_recipient(const command&) { refuse(reply_id::need_recipient); }
void server_session::say_nested_mail(const command&) { refuse(reply_id::nested_mail); }
void server_session::say_between_chunks(const command&) { refuse(reply_id::data_between_chunks); }
void server_session::say_tls_in_transaction(const command&) { refuse(reply_id::tls_in_transaction); }
void server_session::say_refused_session(const command&) { refuse(reply_id::refused_session); }

} // namespace postern::protocol

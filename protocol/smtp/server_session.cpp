// The order of things: what is read, answered and asked, and when. The verbs are in server_session_verbs.cpp,
// message content in server_session_content.cpp. Every reply is queued in the order of its command; nothing
// is read while an answer is awaited.
#include "protocol/smtp/server_session.hpp"

#include <array>
#include <fmt/format.h>

namespace postern::protocol {

namespace {

// For logs: what was going on when something was refused.
constexpr std::array<std::string_view, verb_count> verb_names{
    "HELO", "EHLO", "MAIL", "RCPT",     "DATA", "BDAT",          "RSET",    "NOOP",
    "VRFY", "HELP", "QUIT", "STARTTLS", "AUTH", "UNIMPLEMENTED", "FOREIGN", "UNKNOWN"};

// What scripts that read logs know an ended session by; words of Postfix's smtpd.
std::string_view cause_of(reply_id what) {
    if (what == reply_id::too_many_errors) return "too many errors";
    const bool pipelined = what == reply_id::pipelined_after_ehlo || what == reply_id::pipelined_data;
    return pipelined ? "improper command pipelining" : "";
}

refused_thing about_of(reply_id what) {
    if (what == reply_id::size_over_limit) return refused_thing::sender;
    const bool ends_message = what == reply_id::pipelined_data || what == reply_id::too_many_chunks;
    return ends_message ? refused_thing::message : refused_thing::command;
}

} // namespace

// Verb × state. A cell is what the verb does in that state; a cell that refuses names the refusal.
server_session::handler server_session::handler_for(verb what, state in) {
    using s = server_session;
    struct row {
        verb what;
        std::array<handler, state_count> by_state; // fresh, ready, mail, rcpt, chunking, refused
    };
    static constexpr handler no = &s::say_refused_session;
    static constexpr handler helo_first = &s::say_need_helo;
    static constexpr handler mail_first = &s::say_need_mail;
    static constexpr handler chunks = &s::say_between_chunks;
    static constexpr handler in_mail = &s::say_tls_in_transaction;
    static constexpr std::array<row, verb_count> rows{{
        {verb::helo, {&s::do_helo, &s::do_helo, &s::do_helo, &s::do_helo, &s::do_helo, no}},
        {verb::ehlo, {&s::do_ehlo, &s::do_ehlo, &s::do_ehlo, &s::do_ehlo, &s::do_ehlo, no}},
        {verb::mail, {helo_first, &s::do_mail, &s::say_nested_mail, &s::say_nested_mail, chunks, no}},
        {verb::rcpt, {helo_first, mail_first, &s::do_rcpt, &s::do_rcpt, chunks, no}},
        {verb::data, {helo_first, mail_first, &s::say_need_recipient, &s::do_data, chunks, no}},
        // BDAT decides by itself: its octets must be swallowed whatever the state.
        {verb::bdat, {&s::do_bdat, &s::do_bdat, &s::do_bdat, &s::do_bdat, &s::do_bdat, &s::do_bdat}},
        {verb::rset, {&s::do_rset, &s::do_rset, &s::do_rset, &s::do_rset, &s::do_rset, no}},
        {verb::noop, {&s::do_noop, &s::do_noop, &s::do_noop, &s::do_noop, &s::do_noop, no}},
        {verb::vrfy, {&s::do_vrfy, &s::do_vrfy, &s::do_vrfy, &s::do_vrfy, chunks, no}},
        {verb::help, {&s::do_help, &s::do_help, &s::do_help, &s::do_help, chunks, no}},
        {verb::quit, {&s::do_quit, &s::do_quit, &s::do_quit, &s::do_quit, &s::do_quit, &s::do_quit}},
        {verb::starttls, {&s::do_starttls, &s::do_starttls, in_mail, in_mail, in_mail, no}},
        {verb::auth,
         {&s::do_auth, &s::do_auth, &s::say_auth_in_transaction, &s::say_auth_in_transaction, chunks, no}},
        {verb::unimplemented,
         {&s::say_not_implemented, &s::say_not_implemented, &s::say_not_implemented, &s::say_not_implemented,
          &s::say_not_implemented, no}},
        {verb::foreign,
         {&s::say_foreign, &s::say_foreign, &s::say_foreign, &s::say_foreign, &s::say_foreign,
          &s::say_foreign}},
        {verb::unknown,
         {&s::say_unknown, &s::say_unknown, &s::say_unknown, &s::say_unknown, &s::say_unknown, no}},
    }};
    static_assert([] {
        for (std::size_t i = 0; i < rows.size(); ++i)
            if (static_cast<std::size_t>(rows[i].what) != i) return false;
        return true;
    }());
    return rows[static_cast<std::size_t>(what)].by_state[static_cast<std::size_t>(in)];
}

namespace {

// Sessions that wait in plain text are many.
std::unique_ptr<const sasl::channel_binding> kept(sasl::channel_binding binding) {
    if (binding.type.empty()) return nullptr;
    return std::make_unique<const sasl::channel_binding>(std::move(binding));
}

} // namespace

server_session::server_session(session_settings settings, ip_address client, std::string_view tls_facts,
                               sasl::channel_binding binding)
    : settings_(std::move(settings)), client_(client), tls_(!tls_facts.empty()), tls_facts_(tls_facts),
      binding_(kept(std::move(binding))) {
    reset_line_limit();
}

step server_session::next() {
    if (is_answering()) say_answers();
    if (wanted_ == step::read && !is_answering() && phase_ != phase::closing && !input_.empty()) {
        input_used_ += consume(std::string_view(input_).substr(input_used_));
        if (input_used_ == input_.size()) forget_input();
    }
    if (abandon_) return step::abandon;
    const bool flush_first = wanted_ == step::start_tls || wanted_ == step::read || wanted_ == step::close;
    if (pause_) return step::pause;
    if (!output_.empty() && (flush_first || output_.size() >= session_output_max)) return step::write;
    if (phase_ == phase::closing) return step::close;
    return wanted_;
}

void server_session::on_input(std::string_view octets) {
    if (phase_ == phase::closing) return;
    const auto used = wanted_ == step::read && !is_answering() ? consume(octets) : 0;
    input_.append(octets.substr(used));
}

void server_session::forget_input() {
    std::string().swap(input_);
    input_used_ = 0;
}

void server_session::on_written() {
    std::string().swap(output_); // a session that waits keeps no reply
    if (close_after_write_) phase_ = phase::closing;
}

void server_session::on_paused() { pause_ = false; }

void server_session::on_abandoned() { abandon_ = false; }

// Handles input until it is used up, an answer from outside is needed, or replies wait to be written.
std::size_t server_session::consume(std::string_view input) {
    std::size_t used = 0;
    while (used < input.size() && wanted_ == step::read && !close_after_write_ && !abandon_ && !pause_ &&
           output_.size() < session_output_max) {
        const auto rest = input.substr(used);
        switch (phase_) {
        case phase::command: used += consume_command(rest); break;
        case phase::auth: used += consume_auth(rest); break;
        case phase::data: used += consume_data(rest); break;
        case phase::chunk: used += consume_chunk(rest); break;
        case phase::greeting:
        case phase::closing: return used;
        }
    }
    // After a farewell nothing counts any more: it must not be answered, nor kept.
    return close_after_write_ ? input.size() : used;
}

std::size_t server_session::consume_command(std::string_view input) {
    const bool at_line_start = lines_.partial().empty();
    const auto got = lines_.feed(input);
    // Another protocol is told so whatever its line ends with, or before it ends at all.
    const auto seen = got.status == line_status::need_more ? lines_.partial() : got.line;
    if (looks_foreign(seen) || (at_line_start && looks_foreign(input))) {
        dispatch({verb::foreign, {}, {}});
        return input.size();
    }
    switch (got.status) {
    case line_status::need_more: break;
    case line_status::complete:
        more_input_behind_ = got.consumed < input.size();
        dispatch(split_command(got.line));
        break;
    case line_status::too_long: refuse(reply_id::line_too_long, {std::to_string(line_max_now())}); break;
    case line_status::bare_line_end: refuse(reply_id::bare_line_end_in_command); break;
    case line_status::endless: refuse(reply_id::endless_line, {std::to_string(line_max_now())}); break;
    }
    return got.consumed;
}

void server_session::dispatch(const command& what) {
    ++commands_;
    stage_ = verb_names[static_cast<std::size_t>(what.what)];
    // BDAT's own answer takes the octets behind it away.
    const bool own_answer = what.what == verb::quit || what.what == verb::bdat || what.what == verb::foreign;
    if (!settings_.takes_mail && !own_answer) {
        count_junk();
        return close_after_write_ ? void() : refuse(reply_id::come_back);
    }
    (this->*handler_for(what.what, state_))(what);
}

void server_session::say(reply_id what, std::initializer_list<std::string_view> values) {
    say(make_reply(what, values));
}

void server_session::say(const reply& what) {
    append_reply(output_, what);
    if (!what.close) return;
    // Whatever was open ends with the connection.
    close_after_write_ = true;
    wanted_ = step::read;
    reset_transaction();
}

void server_session::refuse(reply_id what, std::initializer_list<std::string_view> values) {
    refuse(make_reply(what, values), about_of(what), {}, cause_of(what));
}

void server_session::refuse(const reply& what, refused_thing about, std::string_view for_recipient,
                            std::string_view cause) {
    if (!settings_.takes_mail && what.permanent()) {
        reply for_now = make_reply(reply_id::come_back);
        for_now.close = what.close;
        return refuse(for_now, about, for_recipient, cause);
    }
    if (observer_) observer_({stage_, what, for_recipient, cause, about});
    say(what);
    if (what.permanent() && !what.close) count_error();
}

// The error budget: a few are anybody's, many are an attack; from soft_errors on each one costs time.
void server_session::count_error() {
    ++errors_;
    if (errors_ >= settings_.max_errors)
        refuse(reply_id::too_many_errors, {settings_.hostname});
    else if (errors_ >= settings_.soft_errors)
        pause_ = true;
}

void server_session::count_junk() {
    if (++junk_ >= settings_.max_junk) refuse(reply_id::too_many_junk, {settings_.hostname});
}

server_session::transaction_state& server_session::now() {
    if (!now_) now_ = std::make_unique<transaction_state>();
    return *now_;
}

const server_session::transaction_state& server_session::now() const {
    static const transaction_state none;
    return now_ ? *now_ : none;
}

void server_session::reset_transaction() {
    if (message_open_) abandon_ = true;
    message_open_ = false;
    now_.reset();
    if (state_ == state::mail || state_ == state::rcpt || state_ == state::chunking) state_ = state::ready;
}

void server_session::on_early_input() {
    wanted_ = step::read;
    refuse(reply_id::early_talker, {settings_.hostname});
}

void server_session::on_end() {
    reset_transaction();
    end_auth();
    output_.clear();
    pause_ = false;
    wanted_ = step::close;
    phase_ = phase::closing;
}

void server_session::close_with(reply farewell) {
    if (phase_ == phase::closing || close_after_write_) return; // one farewell is enough
    end_auth();
    forget_input();
    pause_ = false;
    farewell.close = true;
    refuse(farewell, refused_thing::command);
}

void server_session::on_tls(bool done, std::string_view facts, sasl::channel_binding binding) {
    // RFC 3207 §4.2: everything learned before TLS is forgotten.
    reset_transaction();
    helo_ = {};
    greeting_ = greeting_kind::none;
    state_ = state::fresh;
    lines_.reset();
    forget_input();
    tls_ = done;
    tls_facts_ = facts;
    binding_ = kept(std::move(binding));
    account_.clear();
    reset_line_limit();
    wanted_ = step::read;
    if (!done) phase_ = phase::closing;
}

std::string server_session::take_body() { return std::move(now().body); }

std::string_view server_session::protocol_name() const {
    return with_protocol(greeting_, tls_, now().envelope.smtputf8,
                         account_.empty() ? client_proof::none : client_proof::authenticated);
}

const content_facts& server_session::content() const {
    return now().by_chunks ? now().chunks.facts() : now().decoder.facts();
}

} // namespace postern::protocol

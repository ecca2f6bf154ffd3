// AUTH (RFC 4954): carries an exchange of SASL over the session. It never sees an account: who a login is,
// and what a wrong guess costs, is asked outside. While it goes on nothing but its responses is read.
#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/server_session.hpp"

namespace postern::protocol {

const auth_question& server_session::about_auth() const {
    static const auth_question none;
    return auth_ ? auth_->question : none;
}

sasl::offer server_session::mechanisms_now() const { return {settings_.auth_keys, binding_ != nullptr}; }

// RFC 4954 §4: lines of AUTH may be longer than those of other commands.
std::size_t server_session::line_max_now() const {
    return offers_auth() && account_.empty() ? sasl::line_max + 2 : command_line_max;
}

void server_session::reset_line_limit() { lines_.set_max_length(line_max_now()); }

std::optional<reply_id> server_session::reason_against_auth() const {
    if (!account_.empty()) return reply_id::auth_already;
    if (settings_.offer_auth && !tls_) return reply_id::auth_needs_tls;
    if (!offers_auth()) return reply_id::auth_not_offered;
    if (state_ == state::fresh) return reply_id::need_helo;
    if (greeting_ != greeting_kind::ehlo) return reply_id::auth_not_offered;
    return std::nullopt;
}

void server_session::say_auth_in_transaction(const command&) {
    refuse(settings_.offer_auth ? reply_id::auth_in_transaction : reply_id::auth_not_offered);
}

void server_session::do_auth(const command& what) {
    if (const auto why = reason_against_auth()) return refuse(*why);
    const auto blank = what.argument.find(' ');
    const auto name = what.argument.substr(0, blank);
    std::optional<std::string_view> initial;
    if (blank != std::string_view::npos) initial = what.argument.substr(blank + 1);
    if (name.empty()) return refuse(reply_id::auth_syntax);
    const auto* row = sasl::find_mechanism(name); // never quoted: it may be a password gone astray
    if (row == nullptr || !sasl::is_offered(*row, mechanisms_now()))
        return refuse(reply_id::auth_unknown_mechanism);
    count_junk();
    if (close_after_write_) return;
    // Where -PLUS is announced, a client that believes it isn't was lied to.
    const auto binding = binding_ ? *binding_ : sasl::channel_binding();
    auth_ = std::make_unique<auth_state>(auth_state{sasl::exchange(row->what, binding), {}, {}, {}});
    auth_->question.how = row->what;
    take_step(auth_->exchange.begin(initial));
}

void server_session::take_step(sasl::step next) {
    if (!next.login.empty()) auth_->login = std::move(next.login);
    switch (next.kind) {
    case sasl::step_kind::challenge:
        append_challenge(output_, sasl::encode_base64(next.challenge));
        phase_ = phase::auth;
        return want(step::read);
    case sasl::step_kind::check_password:
        auth_->password = std::move(next.password);
        return ask_about(auth_question::kind::password);
    case sasl::step_kind::find_keys: return ask_about(auth_question::kind::keys);
    case sasl::step_kind::done: return ask_about(auth_question::kind::proved);
    case sasl::step_kind::failed: break;
    }
    if (next.why == sasl::failure::denied) return ask_about(auth_question::kind::denied);
    auth_failed(next.why);
}

void server_session::ask_about(auth_question::kind what) {
    phase_ = phase::command; // as long as nothing is read
    auth_->question.what = what;
    auth_->question.login = auth_->login;
    auth_->question.password = auth_->password.empty() ? nullptr : &auth_->password;
    question_ = question_stage::auth;
    want(step::ask);
}

void server_session::on_auth(auth_answer answer) {
    wanted_ = step::read;
    if (close_after_write_ || phase_ == phase::closing || !auth_) return;
    using kind = auth_question::kind;
    if (answer.what == auth_answer::kind::refuse) {
        end_auth();
        return refuse(answer.with, refused_thing::command);
    }
    switch (auth_->question.what) {
    case kind::password:
        return take_step(auth_->exchange.on_password_checked(answer.what == auth_answer::kind::right));
    case kind::keys: return take_step(auth_->exchange.on_keys(answer.keys));
    case kind::denied: return auth_failed(sasl::failure::denied);
    case kind::proved: break;
    }
    if (answer.what != auth_answer::kind::right || answer.account.empty())
        return auth_failed(sasl::failure::denied);
    account_ = std::move(answer.account);
    end_auth();
    junk_ = 0;
    say(reply_id::auth_ok);
}

void server_session::auth_failed(sasl::failure why) {
    end_auth();
    switch (why) {
    case sasl::failure::malformed: return refuse(reply_id::auth_malformed);
    case sasl::failure::cancelled: return refuse(reply_id::auth_cancelled);
    case sasl::failure::denied: return refuse(reply_id::auth_denied);
    }
}

void server_session::end_auth() {
    auth_.reset();
    if (phase_ == phase::auth) phase_ = phase::command;
    if (lines_.partial().empty()) reset_line_limit();
}

std::size_t server_session::consume_auth(std::string_view input) {
    const auto got = lines_.feed(input);
    switch (got.status) {
    case line_status::need_more: break;
    case line_status::complete: take_step(auth_->exchange.receive(got.line)); break;
    case line_status::too_long:
    case line_status::endless:
        end_auth();
        refuse(reply_id::auth_line_too_long, {std::to_string(sasl::line_max)});
        break;
    case line_status::bare_line_end:
        end_auth();
        refuse(reply_id::bare_line_end_in_command);
        break;
    }
    return got.consumed;
}

} // namespace postern::protocol

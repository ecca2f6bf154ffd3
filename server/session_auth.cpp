// AUTH: who the client says it is, asked of whoever knows passwords, and what a wrong guess costs. A password
// is in memory until its answer only, and in no log. Trouble of ours is 454, never "wrong".
#include "server/session_driver.hpp"

#include "policy/submission/desk.hpp"
#include "policy/submission/keyed_digest.hpp"
#include "server/clock.hpp"

namespace postern::server {
namespace asio = boost::asio;
using protocol::auth_answer;
using protocol::auth_question;
using protocol::make_reply;
using protocol::reply_id;

namespace {

constexpr std::chrono::seconds password_deadline{20};

auth_answer refusal(protocol::reply with) {
    auth_answer made;
    made.what = auth_answer::kind::refuse;
    made.with = std::move(with);
    return made;
}

} // namespace

asio::awaitable<void> session_driver::ask_auth() {
    using kind = auth_question::kind;
    const auth_question asked = session_->about_auth();
    const bool begins = asked.what == kind::password || asked.what == kind::keys;
    if (!attempt_ || begins) attempt_ = std::make_unique<login_attempt>();
    attempt_->login = asked.login;
    attempt_->mechanism = protocol::sasl::row_of(asked.how).name;
    auth_answer answer;
    switch (asked.what) {
    case kind::password: {
        protocol::sasl::secret password =
            asked.password == nullptr ? protocol::sasl::secret() : *asked.password;
        answer = co_await check_password(std::move(password));
        break;
    }
    case kind::keys: answer = co_await find_keys(); break;
    case kind::proved: answer = end_good_login(); break;
    case kind::denied: answer = end_wrong_login(); break;
    }
    if (answer.what == auth_answer::kind::refuse) attempt_.reset();
    session_->on_auth(std::move(answer));
}

// Whether the client may try at all; nullopt: it may.
asio::awaitable<std::optional<auth_answer>> session_driver::held_back() {
    constexpr int tries_max = 5;
    auto* desk = services_.policy.sending;
    if (desk == nullptr) co_return std::nullopt;
    const auto terms = policy::guess_terms_of(config_->config->auth);
    for (int i = 0; i < tries_max; ++i) {
        auto said = desk->guesses.before(client_, attempt_->login, terms, desk->clock.now());
        if (!said) { // without its memory the brake can't hold anybody back, and nobody may guess freely
            note_put_off(said.error().message());
            co_return refusal(make_reply(reply_id::auth_later));
        }
        switch (said->what) {
        case policy::admission::kind::go:
            attempt_->counted = std::move(said->attempt);
            attempt_->wait = said->wait;
            co_return std::nullopt;
        case policy::admission::kind::blocked:
            log_failed_login("blocked after too many wrong passwords");
            co_return refusal(blocked_until(said->until));
        case policy::admission::kind::later: break;
        }
        const bool over = co_await waited_in_vain(said->wait);
        if (over) break;
    }
    co_return refusal(make_reply(reply_id::auth_later));
}

protocol::reply session_driver::blocked_until(policy::rate_seconds until) const {
    const auto left = std::max<policy::rate_seconds>(until - services_.policy.sending->clock.now(), 1);
    return make_reply(reply_id::auth_blocked, {listener_->hostname, client_text_,
                                               "after " + policy::clock_text(now_seconds() + left)});
}

asio::awaitable<auth_answer> session_driver::check_password(protocol::sasl::secret password) {
    auto refused = co_await held_back();
    if (refused) co_return std::move(*refused);
    attempt_->fingerprint =
        policy::view(policy::keyed_digest(services_.guess_key, {attempt_->login, password.view()}));
    login_question asked{attempt_->login, std::move(password), client_text_, password_deadline};
    auto asking = services_.logins->check(std::move(asked));
    const auto said = co_await std::move(asking);
    auth_answer answer;
    switch (said.what) {
    case login_answer::kind::ok:
        answer.what = auth_answer::kind::right;
        attempt_->account = said.account;
        break;
    case login_answer::kind::denied:
        if (!said.why.empty()) log_event_now(log_event::note, "AUTH is denied: " + said.why);
        answer.what = auth_answer::kind::wrong;
        break;
    case login_answer::kind::later:
        note_put_off(said.why);
        co_return refusal(make_reply(reply_id::auth_later));
    }
    const bool over = co_await waited_in_vain(attempt_->wait);
    if (over) answer.what = auth_answer::kind::wrong;
    co_return answer;
}

asio::awaitable<auth_answer> session_driver::find_keys() {
    auto refused = co_await held_back();
    if (refused) co_return std::move(*refused);
    auto asking = services_.logins->find_keys(attempt_->login);
    auto said = co_await std::move(asking);
    if (said.later) {
        note_put_off(said.why);
        co_return refusal(make_reply(reply_id::auth_later));
    }
    const bool over = co_await waited_in_vain(attempt_->wait);
    if (over) co_return refusal(make_reply(reply_id::auth_later));
    attempt_->account = said.account;
    auth_answer answer;
    answer.what = auth_answer::kind::keys;
    answer.keys = std::move(said.keys);
    co_return answer;
}

result<void> session_driver::note_outcome(const login_attempt& of, policy::guess_brake::outcome what) {
    auto* desk = services_.policy.sending;
    if (desk == nullptr) return {};
    return desk->guesses.after(client_, of.login, of.fingerprint, what,
                               policy::guess_terms_of(config_->config->auth), desk->clock.now());
}

auth_answer session_driver::end_good_login() {
    const auto attempt = std::move(attempt_);
    auth_answer answer;
    if (attempt->account.empty()) return answer; // keys of nobody open nothing
    answer.what = auth_answer::kind::right;
    answer.account = attempt->account;
    auth_method_ = attempt->mechanism;
    services_.counts.logins.fetch_add(1, std::memory_order_relaxed);
    auto line = record(log_event::logged_in);
    line.sasl_method = attempt->mechanism;
    line.sasl_username = answer.account;
    services_.journal.write(line);
    const auto noted = note_outcome(*attempt, policy::guess_brake::outcome::good);
    if (!noted) log_event_now(log_event::note, "a good login is not noted: " + noted.error().message());
    return answer;
}

auth_answer session_driver::end_wrong_login() {
    services_.counts.logins_denied.fetch_add(1, std::memory_order_relaxed);
    log_failed_login("authentication failed");
    const auto attempt = std::move(attempt_);
    if (attempt->login.empty()) return {};
    const auto noted = note_outcome(*attempt, policy::guess_brake::outcome::wrong);
    if (noted) return {};
    // What can't be counted must not be tried again and again.
    note_put_off("a wrong password can't be noted: " + noted.error().message());
    auto later = make_reply(reply_id::auth_later);
    later.close = true;
    return refusal(std::move(later));
}

void session_driver::note_put_off(std::string_view why) {
    services_.counts.logins_put_off.fetch_add(1, std::memory_order_relaxed);
    log_event_now(log_event::note, "AUTH is put off: " + std::string(why));
}

// As Postfix says it, for fail2ban: "warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: ...".
void session_driver::log_failed_login(std::string_view why) {
    auto made = record(log_event::login_failed);
    made.level = conf::log_level::warning;
    made.sasl_method = attempt_->mechanism;
    made.sasl_username = attempt_->login;
    made.text = why;
    services_.journal.write(made);
}

} // namespace postern::server

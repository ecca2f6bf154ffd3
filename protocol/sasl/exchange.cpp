#include "protocol/sasl/exchange.hpp"

#include "protocol/sasl/base64.hpp"
#include "protocol/sasl/scram_server.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::protocol::sasl {

namespace {

// What is awaited, and from whom.
enum class stage {
    beginning,
    plain_message,
    login_name,
    login_password,
    password_check,
    scram_first,
    scram_look_up,
    scram_final,
    scram_end, // the client's empty answer to our last message (RFC 4954 §4: 235 carries none)
    over,
};

stage first_stage(mechanism how) {
    switch (how) {
    case mechanism::scram_sha_256_plus:
    case mechanism::scram_sha_256: return stage::scram_first;
    case mechanism::plain: return stage::plain_message;
    case mechanism::login: return stage::login_name;
    }
    return stage::over;
}

bool is_login(std::string_view text) {
    return !text.empty() && text.size() <= login_max && is_valid_utf8(text) &&
           std::none_of(text.begin(), text.end(), is_control);
}

// crypt(3) ends at a NUL: behind one, anything would do.
bool is_password(std::string_view text) {
    return !text.empty() && text.size() <= password_max && text.find('\0') == std::string_view::npos;
}

step challenge(std::string text) {
    step next;
    next.kind = step_kind::challenge;
    next.challenge = std::move(text);
    return next;
}

} // namespace

struct exchange::state {
    state(mechanism with, channel_binding bound) : how(with), binding(std::move(bound)) {}

    step take(std::string_view message);
    step take_plain(std::string_view message);
    step take_login_name(std::string_view message);
    step take_login_password(std::string_view message);
    step take_scram_first(std::string_view message);
    step take_scram_final(std::string_view message);
    step ask_password(std::string_view password);
    step fail(failure why);
    step finish();

    mechanism how;
    channel_binding binding;
    stage now = stage::beginning;
    std::string login;
    secret first_message; // SCRAM's, until its keys are there
    std::unique_ptr<scram_server> scram;
};

step exchange::state::fail(failure why) {
    now = stage::over;
    step last;
    last.why = why;
    last.login = login;
    return last;
}

step exchange::state::finish() {
    now = stage::over;
    step last;
    last.kind = step_kind::done;
    last.login = login;
    return last;
}

step exchange::state::ask_password(std::string_view password) {
    if (!is_password(password)) return fail(failure::denied);
    now = stage::password_check;
    step next;
    next.kind = step_kind::check_password;
    next.login = login;
    next.password = secret(password);
    return next;
}

// RFC 4616 §2: [authzid] NUL authcid NUL passwd.
step exchange::state::take_plain(std::string_view message) {
    const auto first = message.find('\0');
    if (first == std::string_view::npos) return fail(failure::malformed);
    const auto second = message.find('\0', first + 1);
    if (second == std::string_view::npos || message.find('\0', second + 1) != std::string_view::npos)
        return fail(failure::malformed);
    const auto authorize_as = message.substr(0, first);
    const auto name = message.substr(first + 1, second - first - 1);
    if (!is_login(name)) return fail(failure::denied);
    if (!authorize_as.empty() && authorize_as != name) return fail(failure::denied);
    login = name;
    return ask_password(message.substr(second + 1));
}

step exchange::state::take_login_name(std::string_view message) {
    if (message.empty()) return fail(failure::malformed);
    if (!is_login(message)) return fail(failure::denied);
    login = message;
    now = stage::login_password;
    return challenge("Password:");
}

step exchange::state::take_login_password(std::string_view message) {
    return message.empty() ? fail(failure::malformed) : ask_password(message);
}

step exchange::state::take_scram_first(std::string_view message) {
    using flag = scram_first::binding_flag;
    const auto read = parse_scram_first(message);
    if (!read) return fail(failure::malformed);
    const bool wants_binding = row_of(how).needs_binding;
    if ((read->binding == flag::used) != wants_binding) return fail(failure::malformed);
    if (wants_binding && (binding.data.empty() || read->binding_type != binding.type))
        return fail(failure::denied);
    // RFC 5802 §6: it could have bound but was told that we can't.
    if (read->binding == flag::not_offered && !binding.data.empty()) return fail(failure::denied);
    if (!is_login(read->login)) return fail(failure::denied);
    if (!read->authorize_as.empty() && read->authorize_as != read->login) return fail(failure::denied);
    login = read->login;
    first_message = secret(message);
    now = stage::scram_look_up;
    step next;
    next.kind = step_kind::find_keys;
    next.login = login;
    return next;
}

step exchange::state::take_scram_final(std::string_view message) {
    auto answer = scram->final(message);
    scram.reset();
    if (!answer) return fail(answer.error());
    now = stage::scram_end;
    return challenge(std::move(*answer));
}

step exchange::state::take(std::string_view message) {
    switch (now) {
    case stage::plain_message: return take_plain(message);
    case stage::login_name: return take_login_name(message);
    case stage::login_password: return take_login_password(message);
    case stage::scram_first: return take_scram_first(message);
    case stage::scram_final: return take_scram_final(message);
    case stage::scram_end: return message.empty() ? finish() : fail(failure::malformed);
    case stage::beginning:
    case stage::password_check:
    case stage::scram_look_up:
    case stage::over: break; // nothing was asked of the client
    }
    return fail(failure::malformed);
}

exchange::exchange(mechanism how, channel_binding binding)
    : state_(std::make_unique<state>(how, std::move(binding))) {}
exchange::~exchange() = default;
exchange::exchange(exchange&&) noexcept = default;
exchange& exchange::operator=(exchange&&) noexcept = default;

step exchange::begin(std::optional<std::string_view> initial_response) {
    if (state_->now != stage::beginning) return state_->fail(failure::malformed);
    state_->now = first_stage(state_->how);
    if (!initial_response) return challenge(state_->how == mechanism::login ? "Username:" : "");
    if (*initial_response == "=") return state_->take("");
    // AUTH's argument has no way to say "*", and an absent response is not an empty one.
    return initial_response->empty() || *initial_response == "*" ? state_->fail(failure::malformed)
                                                                 : receive(*initial_response);
}

step exchange::receive(std::string_view line) {
    if (line == "*") return state_->fail(failure::cancelled);
    const auto message = line.size() > line_max ? std::nullopt : decode_base64(line);
    return message ? state_->take(message->view()) : state_->fail(failure::malformed);
}

step exchange::on_password_checked(bool right) {
    if (state_->now != stage::password_check || !right) return state_->fail(failure::denied);
    return state_->finish();
}

step exchange::on_keys(const scram_keys& keys) {
    auto& self = *state_;
    if (self.now != stage::scram_look_up) return self.fail(failure::denied);
    self.scram = std::make_unique<scram_server>(self.how, self.binding, keys);
    auto answer = self.scram->first(self.first_message.view());
    self.first_message = secret();
    if (!answer) return self.fail(answer.error());
    self.now = stage::scram_final;
    return challenge(std::move(*answer));
}

const std::string& exchange::login() const { return state_->login; }
mechanism exchange::how() const { return state_->how; }

} // namespace postern::protocol::sasl

// The login at a server that wants one (RFC 4954), under TLS only: whoever is at the other end was looked at
// before. One that is not taken is never the message's fault.
#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/client_session.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

namespace postern::protocol {
void client_session::say_login() {
    if (!tls_) return fail(trouble::kind::no_tls, "a login is sent under TLS only");
    const auto& user = settings_.login->user;
    const auto password = settings_.login->password.view();
    bool takes_plain = false, takes_login = false;
    for (auto offered = value_of("AUTH").value_or(std::string_view()); !offered.empty();) {
        const auto mechanism = take_word(offered);
        takes_plain = takes_plain || equals_ignoring_case(mechanism, "PLAIN");
        takes_login = takes_login || equals_ignoring_case(mechanism, "LOGIN");
    }
    if (takes_plain) { // RFC 4616
        sasl::secret words;
        words.reserve(user.size() + password.size() + 2);
        words.push_back('\0');
        for (const char c : user) words.push_back(c);
        words.push_back('\0');
        for (const char c : password) words.push_back(c);
        output_ += "AUTH PLAIN ";
        output_ += sasl::encode_base64(words.view());
        output_ += "\r\n";
    } else if (takes_login) {
        output_ += "AUTH LOGIN\r\n";
        login_answers_ = {sasl::encode_base64(user), sasl::encode_base64(password)};
    } else {
        return fail_login("the server offers neither AUTH PLAIN nor AUTH LOGIN", trouble::kind::no_login);
    }
    expect(awaited::auth);
}

void client_session::took_auth(const peer_reply& reply) {
    if (reply.code == 334 && !login_answers_.empty()) {
        output_ += login_answers_.front() + "\r\n";
        login_answers_.pop_front();
        return expect(awaited::auth);
    }
    login_answers_.clear();
    if (reply.code == 334) return fail(trouble::kind::protocol, "the server asks for more than a login");
    if (reply.code == 235) {
        logged_in_ = true;
        return become_ready();
    }
    // Its words may hold what we said, and go to strangers with a notice.
    const auto& [category, subject, detail] = reply.enhanced;
    auto what = fmt::format("our login was refused: {}", reply.code);
    if (category != 0) what += fmt::format(" {}.{}.{}", category, subject, detail);
    fail_login(std::move(what), reply.temporary() ? trouble::kind::temporary : trouble::kind::no_login);
}

// RFC 4954 §6. The mail waits for a better one.
void client_session::fail_login(std::string text, trouble::kind what) {
    settle_pending(recipient_outcome::kind::deferred, {4, 7, 8}, text);
    fail(what, std::move(text));
}

} // namespace postern::protocol

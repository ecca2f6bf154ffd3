// The login at a server that wants one (RFC 4954), under TLS only: whoever is at the other end was looked at
// before. One that is not taken is never the message's fault.
#include "protocol/sasl/base64.hpp"
#include "protocol/smtp/client_session.hpp"
#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>
#include <iterator>

namespace postern::protocol {
namespace {

// A word of the list, in any case.
bool names(std::string_view list, std::string_view mechanism) {
    while (!list.empty()) {
        const auto word = list.substr(0, list.find(' '));
        list.remove_prefix(std::min(word.size() + 1, list.size()));
        if (equals_ignoring_case(word, mechanism)) return true;
    }
    return false;
}

} // namespace

void client_session::say_login() {
    if (!tls_) return fail(trouble::kind::no_tls, "a login is sent under TLS only");
    const auto& [user, password] = *settings_.login;
    const auto offered = value_of("AUTH").value_or(std::string_view());
    if (names(offered, "PLAIN")) { // RFC 4616
        const auto words = std::string(1, '\0') + user + '\0' + password;
        fmt::format_to(std::back_inserter(output_), "AUTH PLAIN {}\r\n", sasl::encode_base64(words));
    } else if (names(offered, "LOGIN")) {
        output_ += "AUTH LOGIN\r\n";
        login_answers_ = {sasl::encode_base64(user), sasl::encode_base64(password)};
    } else {
        return fail_login("the server offers neither AUTH PLAIN nor AUTH LOGIN");
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
    if (reply.code != 235) return fail_login("our login was refused: " + reply.text());
    logged_in_ = true;
    become_ready();
}

// RFC 4954 §6. The mail waits for a better one.
void client_session::fail_login(std::string text) {
    settle_pending(recipient_outcome::kind::deferred, {4, 7, 8}, text);
    fail(trouble::kind::temporary, std::move(text));
}

} // namespace postern::protocol

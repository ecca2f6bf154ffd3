// One attempt to authenticate (RFC 4422), as a pure object: fed with what the client sends and what others
// found out, it says what is next. PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), SCRAM-SHA-256 with
// and without -PLUS (RFC 5802, RFC 7677). It knows no accounts: whether a password is right and which keys
// belong to a login is asked outside. It never maps one login to another: a login is handed on octet for
// octet, and an authorization identity that is not the login is denied.
#pragma once

#include "protocol/sasl/channel_binding.hpp"
#include "protocol/sasl/mechanism.hpp"
#include "protocol/sasl/scram_keys.hpp"
#include "protocol/sasl/secret.hpp"

#include <memory>

namespace postern::protocol::sasl {

inline constexpr std::size_t login_max = 254;    // octets: an address in SMTP
inline constexpr std::size_t password_max = 256; // octets, as policy::password_max
inline constexpr std::size_t line_max = 12288; // octets of base64, RFC 4954 §4; the caller's reader bounds it

enum class step_kind {
    challenge,      // send `challenge` (334, base64) and hand the answer to receive()
    check_password, // find out whether `password` is that of `login`, then on_password_checked()
    find_keys,      // find the keys of `login`, then on_keys()
    done,           // `login` has authenticated
    failed,         // for the reason in `why`
};

enum class failure {
    malformed, // not of the mechanism's grammar, or no base64: nobody's attempt (501 5.5.2)
    denied,    // 535 5.7.8
    cancelled, // by the client, with "*" (501 5.7.0)
};

struct step {
    step_kind kind = step_kind::failed;
    std::string challenge; // octets, before base64; may be empty
    std::string login;     // check_password, find_keys, done; of denied when it was known; made of
                           // 1 to login_max octets of UTF-8 without controls
    secret password;       // of check_password: 1 to password_max octets without NUL
    failure why = failure::denied;
};

class exchange {
  public:
    // -PLUS needs `binding`. Whoever announces no -PLUS gives none to SCRAM-SHA-256 either: with one, a
    // client that believes it was not offered is denied (RFC 5802 §6: somebody took it out of the list).
    explicit exchange(mechanism how, channel_binding binding = {});
    ~exchange();
    exchange(exchange&&) noexcept;
    exchange& operator=(exchange&&) noexcept;

    // The argument of AUTH: absent, "=" (an empty response), or base64.
    step begin(std::optional<std::string_view> initial_response);
    step receive(std::string_view line); // base64 without its CRLF, or "*"
    step on_password_checked(bool right);
    // For a login that isn't anybody's too: keys that don't open, but stay the same for the same login.
    step on_keys(const scram_keys& keys);

    const std::string& login() const; // as far as it is known
    mechanism how() const;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace postern::protocol::sasl

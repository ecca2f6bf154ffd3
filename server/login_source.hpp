// Where passwords are known: the table of accounts (authenticator.hpp) or Dovecot (dovecot_auth.hpp). Trouble
// is never "denied", and "denied" never says whether there is such an account.
#pragma once

#include "protocol/sasl/scram_keys.hpp"
#include "protocol/sasl/secret.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

namespace postern::server {

struct login_question {
    std::string login;
    protocol::sasl::secret password;
    std::string client; // its IP address, for Dovecot's log and its allow_nets; "" = not told
    std::chrono::milliseconds within{10'000};
};

struct login_answer {
    enum class kind { ok, denied, later };
    kind what = kind::later;
    std::string account; // of ok: the mailbox, folded
    std::string why;     // for the log; never the password, nor for the peer
};

struct login_keys {
    bool later = false; // nothing can be said now: 454
    std::string why;    // of later
    protocol::sasl::scram_keys keys;
    std::string account; // whom they are of; "" = nobody, and no proof opens them
};

class login_source {
  public:
    virtual ~login_source() = default;

    // On the caller's executor, within the time; more logins than can wait are `later` at once.
    virtual boost::asio::awaitable<login_answer> check(login_question what) = 0;
    // Any thread. How long a correct login may be remembered from now on.
    virtual void remember_for(std::chrono::seconds) {}
    virtual bool has_keys() const = 0; // find_keys() works: SCRAM can be offered
    virtual boost::asio::awaitable<login_keys> find_keys(std::string login) = 0;
};

} // namespace postern::server

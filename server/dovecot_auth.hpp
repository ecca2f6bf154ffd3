// Logins against Dovecot, by its auth client protocol: whatever Dovecot knows of passwords is true here too.
// One connection a login, as Exim does it: what one login breaks no other notices, and a Dovecot that was
// restarted is found again by the next one. Whatever is no clear yes or no is `later`. Thread-safe.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"
#include "server/login_source.hpp"

#include <atomic>
#include <cstddef>

namespace postern::server {

class dovecot_auth final : public login_source {
  public:
    // `at_once`: logins under way; others are told to come back.
    dovecot_auth(conf::next_hop where, std::size_t at_once);

    boost::asio::awaitable<login_answer> check(login_question what) override;
    bool has_keys() const override { return false; } // they are Dovecot's, and it doesn't show them
    boost::asio::awaitable<login_keys> find_keys(std::string login) override;

  private:
    conf::next_hop where_;
    std::size_t at_once_;
    std::atomic<std::size_t> under_way_{0};
    std::atomic<unsigned> next_client_; // Dovecot wants a number of each connection, no two alike
};

} // namespace postern::server

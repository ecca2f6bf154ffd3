// Is there room in a mailbox that an LMTP server keeps? Asked as a delivery would (LHLO, MAIL, RCPT), without
// a message; answers are kept for a moment. A server that can't be asked, or says nothing of room, has some:
// mail waits in the queue for it. One thread's.
#pragma once

#include "server/delivery/mail_client.hpp"

#include <memory>
#include <string>

namespace postern::server {

class lmtp_room {
  public:
    static constexpr std::size_t at_once_max = 16;       // conversations; who comes then isn't asked about
    static constexpr std::chrono::seconds reply_time{5}; // of each step of a conversation
    static constexpr std::chrono::seconds kept_time{30}; // an answer is believed
    static constexpr std::chrono::seconds away_time{5};  // a server that can't be reached is left alone
    static constexpr std::size_t kept_max = 4096;        // answers; with one more all are forgotten

    lmtp_room();

    // `recipient` is "local@domain". This may go away meanwhile.
    boost::asio::awaitable<bool> has_room(conf::next_hop server, client_identity who, std::string recipient);

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace postern::server

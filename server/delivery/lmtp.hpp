// Hands messages to an LMTP server (RFC 2033), Dovecot as a rule: one transaction a message with all its
// recipients, over connections that are kept for the next one. Lives on one thread's executor.
#pragma once

#include "conf/config.hpp"
#include "protocol/smtp/client_session.hpp"
#include "server/delivery/conversation.hpp"
#include "server/tcp_stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <list>

namespace postern::server {

class lmtp_client {
  public:
    static constexpr std::size_t idle_max = 16;          // connections kept for later
    static constexpr std::chrono::seconds idle_time{30}; // an older one is not used again
    static constexpr std::chrono::seconds connect_time{30};

    // What became of each recipient, in their order. `make_content` is called once for each connection that
    // is tried: a kept one that has died meanwhile costs no more than a second try.
    using content_maker = std::function<std::unique_ptr<content_source>()>;
    boost::asio::awaitable<std::vector<protocol::recipient_outcome>>
    deliver(conf::lmtp_server where, std::string hostname, protocol::outgoing_message message,
            content_maker make_content);

    std::size_t kept() const { return kept_.size(); }
    void close(); // those that are kept

  private:
    struct connection {
        conf::lmtp_server where;
        std::unique_ptr<stream> wire;
        std::unique_ptr<protocol::client_session> session;
        std::chrono::steady_clock::time_point used;
    };
    std::unique_ptr<connection> take_kept(const conf::lmtp_server& where);
    void keep(std::unique_ptr<connection> one);

    thread_buffers buffers_;
    std::list<std::unique_ptr<connection>> kept_;
};

} // namespace postern::server

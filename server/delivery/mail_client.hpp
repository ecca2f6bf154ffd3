// Hands messages to other servers, by SMTP (RFC 5321) or LMTP (RFC 2033): one transaction a message with all
// its recipients there, over connections that are kept for the next one. Lives on one thread's executor.
#pragma once

#include "conf/config.hpp"
#include "protocol/smtp/client_session.hpp"
#include "server/delivery/conversation.hpp"
#include "server/delivery/link_security.hpp"
#include "server/tcp_stream.hpp"
#include "tls/client_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <list>
#include <set>

namespace postern::server {

struct mail_peer {
    conf::next_hop where;
    protocol::client_protocol speaks = protocol::client_protocol::smtp;
    tls::demand demand = {};                 // a connection under another one is another connection
    std::optional<conf::endpoint> also = {}; // an address of another kind of the same host
    std::shared_ptr<const protocol::client_login> login = {}; // that it wants; its demand is verified or dane
};

// Who we are: the name that we give, and the names that nobody else has.
struct client_identity {
    std::string hostname;
    std::vector<std::string> own_names; // SMTP servers that greet with one of them get no mail
};
client_identity identity_of(const conf::config& config);

class mail_client {
  public:
    static constexpr std::size_t idle_max = 16;          // connections kept for later
    static constexpr std::chrono::seconds idle_time{30}; // an older one is not used again
    static constexpr unsigned connections_max = 20; // one after the other, for the recipients of one message

    // Without `security` no connection is ever encrypted, and none is made under a demand for it.
    explicit mail_client(std::shared_ptr<const tls::client_context> security = nullptr)
        : security_(std::move(security)) {}
    ~mail_client() { close(); }
    mail_client(const mail_client&) = delete;
    mail_client& operator=(const mail_client&) = delete;

    struct report {
        std::vector<protocol::recipient_outcome> outcomes; // of each recipient, in their order
        std::string away;       // why no mail at all can be sent there now; "" = it can
        conf::next_hop at = {}; // that was spoken to; as was asked for where nobody could be
        bool is_ourselves = false;
        bool is_busy = false;         // it broke off where mail could be sent (421), or takes nobody for now
        bool refuses_login = false;   // the same login is of no use at its other addresses
        bool knows_no_chunks = false; // though it offers CHUNKING
        bool takes_dsn = false;       // notices of what becomes of it are the peer's to write (RFC 3461)
        link_security secured = {};
    };
    // Nobody could be asked.
    static report unreached(std::size_t recipients, std::string why);
    // Nobody was asked, for it isn't known how it has to be encrypted.
    static report insecure(std::size_t recipients, std::string why);
    // Nobody ever can be.
    static report impossible(std::size_t recipients, protocol::enhanced_code code, std::string why);
    // `make_content` is called once for each connection that is tried: a kept one that has died meanwhile
    // costs no more than a second try, as does a peer whose TLS doesn't work. A question has no content.
    using content_maker = std::function<std::unique_ptr<content_source>()>;
    boost::asio::awaitable<report> deliver(mail_peer peer, client_identity who,
                                           protocol::outgoing_message message, content_maker make_content,
                                           client_deadlines within);
    struct reached {
        std::string away; // why no mail can be sent there now; "" = it can, and the connection is kept for it
        bool is_ourselves = false;
        conf::next_hop at = {}; // that was spoken to; no port where nobody could be
        bool refuses_login = false;
    };
    boost::asio::awaitable<reached> reach(mail_peer peer, client_identity who, client_deadlines within);

    std::size_t kept() const { return kept_.size(); }
    void close_idle(); // those that are too old to be used
    void close();      // those that are kept
    // This server ends: SMTP conversations whose message has not gone yet are broken off. The peer keeps
    // nothing of it, so it is not delivered twice. Those between two waits go on; to be called again.
    void break_off();

  private:
    struct connection {
        mail_peer peer;
        std::unique_ptr<stream> wire;
        std::unique_ptr<protocol::client_session> session;
        std::chrono::steady_clock::time_point used;
        bool is_reused = false;
    };
    struct manner { // of a new connection
        protocol::client_tls tls = protocol::client_tls::never;
        protocol::client_chunks chunks = protocol::client_chunks::when_offered;
    };
    std::unique_ptr<connection> take_kept(const mail_peer& peer);
    void keep(std::unique_ptr<connection> one);
    boost::asio::awaitable<void> talk(connection& link, content_source* content, client_deadlines within);
    boost::asio::awaitable<result<std::unique_ptr<connection>>> open(mail_peer peer, client_identity who,
                                                                     manner how, std::chrono::seconds within);
    boost::asio::awaitable<report> deliver_once(mail_peer peer, client_identity who,
                                                protocol::outgoing_message message,
                                                content_maker make_content, client_deadlines within,
                                                protocol::client_chunks chunks);
    boost::asio::awaitable<void> part(std::unique_ptr<connection> link, client_deadlines within);
    protocol::client_tls tls_for(const mail_peer& peer) const;
    static report report_of(const connection& link);
    bool may_try_again(const connection& link, protocol::client_tls& tls) const;

    std::shared_ptr<const tls::client_context> security_;
    thread_buffers buffers_;
    std::list<std::unique_ptr<connection>> kept_; // the one used last at the end
    std::set<connection*> talking_;               // each its coroutine's
};

} // namespace postern::server

// Carries out what a client_session asks for, on a stream, under deadlines: until the session is idle or
// over. Knows no SMTP.
#pragma once

#include "protocol/result.hpp"
#include "protocol/smtp/client_session.hpp"
#include "server/stream.hpp"
#include "tls/client_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

namespace postern::server {

// The content of a message, block by block.
class content_source {
  public:
    virtual ~content_source() = default;
    // Empty at the end. The text is the caller's until the next call.
    virtual boost::asio::awaitable<result<std::string>> next() = 0;
    virtual void restart() = 0; // next() is the first block again
};

// RFC 5321 §4.5.3.2's, each for the reply that it names. Of what comes before the first MAIL it tells the
// time of the greeting only; EHLO, STARTTLS and the handshake have as long each.
struct client_deadlines {
    std::chrono::seconds connect{30};
    std::chrono::seconds greeting{300};
    std::chrono::seconds hello{300}; // EHLO, STARTTLS, the handshake, AUTH, RSET
    std::chrono::seconds mail{300};
    std::chrono::seconds recipient{300};
    std::chrono::seconds data{120};
    std::chrono::seconds content_block{180};
    std::chrono::seconds final_reply{600};
    std::chrono::seconds quit{10};
    std::chrono::seconds ready{600};  // connected: until mail can be sent, however many lines that takes
    std::chrono::seconds whole{3600}; // all of it, however many recipients and blocks

    // For whoever has no time: no wait is longer.
    static constexpr client_deadlines of(std::chrono::seconds each, std::chrono::seconds whole) {
        return {each, each, each, each, each, each, each, each, each, each, whole};
    }
};

// The TLS of a conversation: by whom, and what is wanted of it. Both outlive the await.
struct conversation_tls {
    const tls::client_context& by;
    const tls::demand& wanted;
};

// Returns at idle or close. `content` is needed when a message was begun. A content that can't be read ends
// the connection before its last octet, so that the server keeps nothing. Without `security` every
// handshake fails; with it so does one that doesn't prove what is wanted.
boost::asio::awaitable<void> converse(protocol::client_session& session, stream& with,
                                      content_source* content, client_deadlines within,
                                      const conversation_tls* security = nullptr);

} // namespace postern::server

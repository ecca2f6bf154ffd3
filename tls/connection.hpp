// One TLS connection on the socket's own non-blocking descriptor (SSL_set_fd): no second buffer in which
// plaintext could survive STARTTLS. Never waits: says what it waits for. Not thread-safe; the descriptor is
// borrowed and outlives it. Once it has said `closed` or `failed` it is over: every later call says so again
// and doesn't touch the descriptor. OpenSSL writes without MSG_NOSIGNAL: the process must ignore SIGPIPE.
#pragma once

#include "protocol/sasl/channel_binding.hpp"
#include "tls/demand.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace postern::tls {

enum class io_status {
    done,
    want_read,  // call again when the descriptor is readable
    want_write, // call again when it is writable (a read may want to write and the reverse)
    closed,     // the peer ended TLS or the connection; nothing more may be read from the descriptor
    failed,     // protocol error; `connection::error()` says which
};

struct io_outcome {
    io_status status = io_status::failed;
    std::size_t octets = 0; // when done
};

// Facts for Received, logs and policy.
struct session_facts {
    std::string protocol; // "TLSv1.3"
    std::string cipher;   // "TLS_AES_256_GCM_SHA384"
    int bits = 0;
    std::string server_name; // SNI as sent, made printable; "" when absent
    bool resumed = false;
};

class connection {
  public:
    // Messages after the handshake that carry no data (key updates, refused renegotiations): more of them end
    // the connection, for OpenSSL would answer each without ever returning to us.
    static constexpr unsigned empty_messages_max = 32;

    // `contexts` is whatever the callbacks of the SSL's context use; it is kept until the SSL is gone.
    explicit connection(ssl_st* owned, std::shared_ptr<const void> contexts = nullptr);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    io_status handshake();
    io_outcome
    read(std::span<char> into); // always call before waiting: decrypted octets may lie inside OpenSSL
    io_outcome
    write(std::string_view bytes);    // may be partial; after want_* the same bytes (or more) must come again
    void shutdown();                  // sends close_notify if it can at once
    bool has_decrypted_input() const; // octets that no readiness of the descriptor will announce
    session_facts facts() const;
    // What both ends call this connection, once the handshake is done: the exporter of TLS 1.3 (RFC 9266),
    // the first Finished of 1.2 (RFC 5929 §3) where it has an extended master secret (RFC 7627: without one
    // two connections can have the same). Empty: it has no name.
    protocol::sasl::channel_binding channel_binding() const;
    std::string error() const; // reason of the last failure, one line
    // Of a client's connection (client_context), once the handshake is done.
    peer_proof proof() const;

  private:
    struct watch; // the message callback
    io_status classify(int outcome);
    io_status classify_failure(int reason, int system_error);
    std::shared_ptr<const void> contexts_;
    ssl_st* ssl_;
    std::string error_;
    std::optional<io_status> ended_; // closed or failed
    unsigned empty_messages_ = 0;
};

} // namespace postern::tls

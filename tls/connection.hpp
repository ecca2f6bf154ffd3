// One TLS connection on the socket's own non-blocking descriptor (SSL_set_fd): no second buffer in which plaintext could survive
// STARTTLS. Never waits: says what it waits for. Not thread-safe; the descriptor is borrowed and outlives it.
#pragma once

#include <cstddef>
#include <memory>
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
    explicit connection(ssl_st* owned);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    io_status handshake();
    io_outcome read(std::span<char> into); // always call before waiting: decrypted octets may lie inside OpenSSL
    io_outcome write(std::string_view bytes); // may be partial
    void shutdown(); // sends close_notify if it can at once
    bool has_decrypted_input() const; // octets that no readiness of the descriptor will announce
    session_facts facts() const;
    std::string error() const; // reason of the last failure, one line

  private:
    io_status classify(int outcome);
    ssl_st* ssl_;
    std::string error_;
};

} // namespace postern::tls

// One non-blocking connection, plain or TLS, for edge-triggered epoll: what is asked goes on until the kernel
// says "not now". No certificate is checked. After `failed` nothing but close() makes sense.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace postern::bench {

struct tls_context_deleter {
    void operator()(ssl_ctx_st* context) const;
};
using tls_context = std::unique_ptr<ssl_ctx_st, tls_context_deleter>;
// Null, with the reason in `problem`, when OpenSSL doesn't know the groups.
tls_context make_tls_context(const std::string& groups, std::string& problem);

struct server_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};
bool parse_address(std::string_view text, server_address& into); // "127.0.0.1:25", "[::1]:25"

enum class progress { done, again, failed };

class wire {
  public:
    wire() = default;
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    ~wire();

    // 0 or an errno; the connection may still be under way.
    int open(const server_address& to);
    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    int pending_error() const; // SO_ERROR
    void close();

    // True: the session of the last handshake is offered; only once, as RFC 8446 §C.4 asks of clients.
    bool start_tls(ssl_ctx_st& context, bool resume);
    bool encrypted() const { return ssl_ != nullptr; }
    bool resumed() const;
    progress handshake();
    void keep_session(ssl_session_st* session); // takes it over; from OpenSSL's callback

    // Octets to send: `head` is taken over, `tail` must live until send() is done.
    void put(std::string_view head, std::string_view tail = {});
    bool has_unsent() const { return sent_ < head_.size() || !tail_.empty(); }
    progress send();
    // Sets `got`; 0 with `failed` is the end of the stream. `more`: the socket may hold more.
    progress receive(char* into, std::size_t room, std::size_t& got);

  private:
    progress send_plain();
    progress send_tls();
    void count_sent(std::size_t octets);

    int fd_ = -1;
    ssl_st* ssl_ = nullptr;
    ssl_session_st* kept_ = nullptr; // of the last handshake, over connections
    std::string head_;
    std::size_t sent_ = 0; // of head_
    std::string_view tail_;
};

} // namespace postern::bench

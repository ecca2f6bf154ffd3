#include "bench/load/wire.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace postern::bench {
namespace {

constexpr std::size_t record_octets = 16 * 1024; // of a TLS record: what fits into one goes as one

int on_new_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<wire*>(SSL_get_app_data(ssl))->keep_session(session);
    return 1;
}

progress progress_of(SSL* ssl, int returned) {
    switch (SSL_get_error(ssl, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return progress::again;
    default: return progress::failed;
    }
}

} // namespace

void tls_context_deleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

tls_context make_tls_context(const std::string& groups, std::string& problem) {
    tls_context made(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(made.get(), on_new_session);
    if (SSL_CTX_set1_groups_list(made.get(), groups.c_str()) != 1) {
        problem = "--groups: OpenSSL knows no such groups";
        made.reset();
    }
    return made;
}

bool parse_address(std::string_view text, server_address& into) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    std::string host(text.substr(0, colon));
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc() || end != digits.data() + digits.size()) return false;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        auto* const v6 = reinterpret_cast<sockaddr_in6*>(&into.storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        into.size = sizeof(*v6);
        return inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1;
    }
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&into.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    into.size = sizeof(*v4);
    return inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1;
}

wire::~wire() {
    close();
    SSL_SESSION_free(kept_);
}

int wire::open(const server_address& to) {
    fd_ = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return errno;
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) return 0;
    if (errno == EINPROGRESS) return 0;
    const int error = errno;
    close();
    return error;
}

int wire::pending_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

void wire::close() {
    if (ssl_ != nullptr) {
        SSL_set_shutdown(ssl_,
                         SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); // else OpenSSL spoils the kept session
        SSL_free(ssl_);
        ssl_ = nullptr;
    }
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    head_.clear();
    sent_ = 0;
    tail_ = {};
}

bool wire::start_tls(ssl_ctx_st& context, bool resume) {
    ssl_ = SSL_new(&context);
    SSL_set_app_data(ssl_, this);
    SSL_set_fd(ssl_, fd_);
    SSL_set_connect_state(ssl_);
    if (!resume || kept_ == nullptr || SSL_SESSION_is_resumable(kept_) != 1) return false;
    const bool offered = SSL_set_session(ssl_, kept_) == 1;
    keep_session(nullptr);
    return offered;
}

bool wire::resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }

void wire::keep_session(ssl_session_st* session) {
    SSL_SESSION_free(kept_);
    kept_ = session;
}

progress wire::handshake() {
    ERR_clear_error();
    const int returned = SSL_do_handshake(ssl_);
    return returned == 1 ? progress::done : progress_of(ssl_, returned);
}

void wire::put(std::string_view head, std::string_view tail) {
    head_.append(head);
    if (ssl_ != nullptr && head_.size() + tail.size() <= record_octets) {
        head_.append(tail);
    } else {
        tail_ = tail;
    }
}

void wire::count_sent(std::size_t octets) {
    const std::size_t of_head = std::min(octets, head_.size() - sent_);
    sent_ += of_head;
    tail_.remove_prefix(octets - of_head);
    if (sent_ < head_.size()) return;
    head_.clear();
    sent_ = 0;
}

progress wire::send() { return ssl_ == nullptr ? send_plain() : send_tls(); }

progress wire::send_plain() {
    while (has_unsent()) {
        iovec parts[2] = {{head_.data() + sent_, head_.size() - sent_},
                          {const_cast<char*>(tail_.data()), tail_.size()}};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN ? progress::again : progress::failed;
        count_sent(static_cast<std::size_t>(sent));
    }
    return progress::done;
}

progress wire::send_tls() {
    while (has_unsent()) {
        const std::string_view piece = sent_ < head_.size() ? std::string_view(head_).substr(sent_) : tail_;
        std::size_t sent = 0;
        ERR_clear_error();
        const int returned = SSL_write_ex(ssl_, piece.data(), piece.size(), &sent);
        if (returned != 1) return progress_of(ssl_, returned);
        count_sent(sent);
    }
    return progress::done;
}

progress wire::receive(char* into, std::size_t room, std::size_t& got) {
    got = 0;
    if (ssl_ != nullptr) {
        ERR_clear_error();
        const int returned = SSL_read_ex(ssl_, into, room, &got);
        return returned == 1 ? progress::done : progress_of(ssl_, returned);
    }
    const ssize_t octets = ::recv(fd_, into, room, 0);
    if (octets < 0) return errno == EAGAIN ? progress::again : progress::failed;
    got = static_cast<std::size_t>(octets);
    return got == 0 ? progress::failed : progress::done;
}

} // namespace postern::bench

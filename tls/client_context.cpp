#include "tls/client_context.hpp"

#include <openssl/ssl.h>

namespace postern::tls {
namespace {

// Small keys and old signatures are better than plain text, which is what comes if the handshake fails.
constexpr int security_level = 1;

} // namespace

client_context::client_context(context_handle inner) : context_(std::move(inner)) {}

std::shared_ptr<const client_context> client_context::make() {
    context_handle made(SSL_CTX_new(TLS_client_method()));
    if (!made) return nullptr;
    SSL_CTX* const context = made.get();
    SSL_CTX_set_security_level(context, security_level);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return nullptr;
    return std::shared_ptr<const client_context>(new client_context(std::move(made)));
}

std::unique_ptr<connection> client_context::connect(int fd) const {
    SSL* const made = SSL_new(context_.get());
    if (made == nullptr) return nullptr;
    auto owner = std::make_unique<connection>(made);
    SSL_set_connect_state(made);
    if (SSL_set_fd(made, fd) != 1) return nullptr;
    return owner;
}

} // namespace postern::tls

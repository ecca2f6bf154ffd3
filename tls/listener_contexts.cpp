#include "tls/listener_contexts.hpp"

#include "tls/ticket_crypto.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

namespace postern::tls {
namespace {

struct free_ssl {
    void operator()(SSL* owned) const { SSL_free(owned); }
};

struct version_row {
    std::string_view name;
    int version;
    int security_level; // OpenSSL's level 2 is 112 bits; the signatures of TLS 1.0 and 1.1 (MD5 with SHA-1)
                        // exist at level 0 only
};
constexpr version_row versions[] = {
    {"1.0", TLS1_VERSION, 0},
    {"1.1", TLS1_1_VERSION, 0},
    {"1.2", TLS1_2_VERSION, 2},
    {"1.3", TLS1_3_VERSION, 2},
};
constexpr version_row standard_version = versions[2];

constexpr char strict_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!PSK";
constexpr char opportunistic_ciphers[] =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:kRSA+AES:"
    "!aNULL:!eNULL:!PSK:!SRP:!DSS:!3DES:!RC4:!EXPORT:!AESCCM";
constexpr char groups[] = "X25519:P-256:P-384";
constexpr std::string_view smtp_protocol = "smtp";

version_row lowest_version(const std::string& setting, cipher_policy ciphers) {
    for (const version_row& row : versions) {
        if (row.name != setting) continue;
        // Old versions are for strangers with old servers, never for users who give their passwords.
        const bool too_old = ciphers == cipher_policy::strict && row.version < standard_version.version;
        return too_old ? standard_version : row;
    }
    return standard_version;
}

const listener_contexts& owner_of(const SSL* ssl) {
    return *static_cast<const listener_contexts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int choose_by_name(SSL* ssl, int*, void*) {
    ssl_ctx_st* const chosen = owner_of(ssl).context_for(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    if (chosen != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, chosen);
    return SSL_TLSEXT_ERR_OK;
}

// Called only when the client sent ALPN. A client of another protocol was led here by somebody (ALPACA): it
// is refused.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
    const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t size = static_cast<unsigned char>(list[at]);
        const std::string_view protocol = list.substr(at + 1, size);
        if (protocol == smtp_protocol) {
            *out = offered + at + 1;
            *out_size = static_cast<unsigned char>(protocol.size());
            return SSL_TLSEXT_ERR_OK;
        }
        at += 1 + size;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int encrypting) {
    const auto keys = owner_of(ssl).tickets().current();
    const auto direction = encrypting != 0 ? ticket_direction::seal : ticket_direction::open;
    return prepare_ticket(*keys, name, iv, cipher, mac, direction);
}

// Sessions of one listener never resume on another, even should their ticket keys be the same. At most 32
// octets, so a digest.
bool bind_sessions(SSL_CTX* context, const std::string& listener_name) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(listener_name.data(), listener_name.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        return false;
    return SSL_CTX_set_session_id_context(context, digest, size) == 1;
}

bool set_strength(SSL_CTX* context, const version_row& lowest, cipher_policy policy) {
    SSL_CTX_set_security_level(context, lowest.security_level);
    const char* const ciphers = policy == cipher_policy::strict ? strict_ciphers : opportunistic_ciphers;
    // Among strict ciphers a client without AES instructions may prefer ChaCha20; elsewhere our order keeps
    // the good ones first.
    if (policy == cipher_policy::opportunistic) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_dh_auto(context, 1);
    return SSL_CTX_set_min_proto_version(context, lowest.version) == 1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1 && SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

void set_manners(SSL_CTX* context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN); // the chain is what the file holds
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_tlsext_servername_callback(context, choose_by_name);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

} // namespace

listener_contexts::listener_contexts(const server_contexts::listener& settings,
                                     const std::string& min_version, std::shared_ptr<const name_table> names)
    : name_(settings.name), ciphers_(settings.ciphers), min_version_(min_version),
      tickets_(settings.tickets ? settings.tickets : std::make_shared<ticket_keys>()),
      names_(std::move(names)) {}

bool listener_contexts::add_context() {
    context_handle context(SSL_CTX_new(TLS_server_method()));
    if (!context) return false;
    SSL_CTX_set_app_data(context.get(), this);
    set_manners(context.get());
    if (!set_strength(context.get(), lowest_version(min_version_, ciphers_), ciphers_)) return false;
    if (!bind_sessions(context.get(), name_)) return false;
    contexts_.push_back(std::move(context));
    return true;
}

std::optional<std::string> listener_contexts::add_certificate(const certificate& loaded) {
    SSL_CTX* const context = contexts_.back().get();
    ERR_clear_error();
    bool taken = SSL_CTX_use_certificate(context, loaded.leaf.get()) == 1 &&
                 SSL_CTX_use_PrivateKey(context, loaded.key.get()) == 1;
    for (const x509_handle& next : loaded.chain)
        taken = taken && SSL_CTX_add1_chain_cert(context, next.get()) == 1;
    if (taken) return std::nullopt;
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    return reason != nullptr ? reason : "unknown reason";
}

std::unique_ptr<connection> listener_contexts::accept(int fd, std::shared_ptr<const void> self) const {
    if (contexts_.empty()) return nullptr;
    std::unique_ptr<SSL, free_ssl> ssl(SSL_new(contexts_.front().get()));
    if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
    SSL_set_accept_state(ssl.get());
    return std::make_unique<connection>(ssl.release(), std::move(self));
}

ssl_ctx_st* listener_contexts::context_for(const char* server_name) const {
    const auto holder = server_name != nullptr ? names_->find(server_name) : std::nullopt;
    return contexts_[holder.value_or(0)].get();
}

} // namespace postern::tls

// With SSL_VERIFY_NONE a handshake goes on whatever the certificate is, so that a farewell can be said and
// the reason told; what OpenSSL found is read afterwards (connection::proof), and nothing passes without it.
#include "tls/client_context.hpp"

#include "tls/client_sessions.hpp"
#include "tls/dane.hpp"

#include <algorithm>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace postern::tls {
namespace {

// Small keys and old signatures are better than plain text, which is what comes if the handshake fails.
constexpr int security_level = 1;

// What the SSL of a client has with it, as long as it lives.
struct client_side {
    std::shared_ptr<client_sessions> sessions;
    demand_level level = demand_level::never;
    std::string key;            // of the session cache
    std::string proof;          // that the session had which is resumed
    std::int64_t proved_at = 0; // unix seconds
};

int side_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

const client_side* side_of(const SSL* ssl) {
    return static_cast<const client_side*>(SSL_get_ex_data(ssl, side_index()));
}

std::string bounded(std::string words) {
    const auto odd = [](char octet) { return octet < ' ' || octet > '~'; };
    std::replace_if(words.begin(), words.end(), odd, '?');
    words.resize(std::min(words.size(), proof_words_max));
    return words;
}

// The certificate has been looked at. A resumed session shows no certificate: what its first handshake proved
// is what is known.
peer_proof proof_of(SSL* ssl) {
    const auto* const side = side_of(ssl);
    if (side == nullptr || side->level < demand_level::verified) return {};
    if (SSL_session_reused(ssl) == 1) return {!side->proof.empty(), side->proof};
    const long result = SSL_get_verify_result(ssl);
    if (result != X509_V_OK) return {false, bounded(X509_verify_cert_error_string(result))};
    if (SSL_get0_peer_certificate(ssl) == nullptr) return {false, "there is no certificate"};
    if (side->level == demand_level::verified) return {true, "PKIX"};
    if (SSL_get0_dane_authority(ssl, nullptr, nullptr) < 0)
        return {false, "the certificate matches no TLSA record"};
    protocol::tlsa_record matched;
    SSL_get0_dane_tlsa(ssl, &matched.usage, &matched.selector, &matched.matching_type, nullptr, nullptr);
    return {true, tlsa_words(matched)};
}

// 1: the session is ours now.
int on_new_session(SSL* ssl, SSL_SESSION* given) {
    const auto* const side = side_of(ssl);
    if (side == nullptr || side->key.empty() || SSL_SESSION_is_resumable(given) == 0) return 0;
    auto proof = proof_of(ssl);
    if (side->level >= demand_level::verified && !proof.holds) return 0;
    side->sessions->keep(side->key, {session_handle(given), std::move(proof.words), side->proved_at});
    return 1;
}

// RFC 7672 §3.2.3 wants the base domain by SNI, which SSL_dane_enable sees to.
bool set_records(SSL* ssl, const demand& wanted) {
    if (wanted.host.empty() || wanted.records.empty()) return false;
    if (SSL_dane_enable(ssl, wanted.host.c_str()) != 1) return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (const auto& name : wanted.names)
        if (SSL_add1_host(ssl, name.c_str()) != 1) return false;
    return std::ranges::all_of(wanted.records, [&](const protocol::tlsa_record& one) {
        return SSL_dane_tlsa_add(ssl, one.usage, one.selector, one.matching_type, one.data.data(),
                                 one.data.size()) == 1;
    });
}

bool set_name(SSL* ssl, const demand& wanted, X509_STORE* authorities) {
    if (wanted.host.empty()) return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, wanted.host.c_str()) == 1 && SSL_set1_verify_cert_store(ssl, authorities) == 1;
}

bool set_demand(SSL* ssl, const demand& wanted, X509_STORE* authorities, std::int64_t now) {
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), now);
    if (wanted.level == demand_level::dane) return set_records(ssl, wanted);
    if (wanted.level == demand_level::verified && !set_name(ssl, wanted, authorities)) return false;
    return wanted.host.empty() || SSL_set_tlsext_host_name(ssl, wanted.host.c_str()) == 1;
}

} // namespace

client_context::client_context(context_handle inner, store_handle authorities,
                               std::shared_ptr<client_sessions> sessions)
    : context_(std::move(inner)), authorities_(std::move(authorities)), sessions_(std::move(sessions)) {}

std::shared_ptr<const client_context> client_context::make() {
    context_handle made(SSL_CTX_new(TLS_client_method()));
    if (!made) return nullptr;
    SSL_CTX* const context = made.get();
    SSL_CTX_set_security_level(context, security_level);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return nullptr;
    if (SSL_CTX_dane_enable(context) != 1) return nullptr;
    SSL_CTX_dane_set_flags(context, DANE_FLAG_NO_DANE_EE_NAMECHECKS); // RFC 7672 §3.1.1
    store_handle authorities(X509_STORE_new());
    if (!authorities || X509_STORE_set_default_paths(authorities.get()) != 1) return nullptr;
    return std::shared_ptr<const client_context>(
        new client_context(std::move(made), std::move(authorities), std::make_shared<client_sessions>()));
}

std::unique_ptr<connection> client_context::connect(int fd, const demand& wanted, std::int64_t now) const {
    SSL* const made = SSL_new(context_.get());
    if (made == nullptr) return nullptr;
    auto side = std::make_shared<client_side>();
    auto owner = std::make_unique<connection>(made, side);
    side->sessions = sessions_;
    side->level = wanted.level;
    side->key = client_sessions::key_of(wanted);
    side->proved_at = now;
    SSL_set_connect_state(made);
    const bool is_set = SSL_set_ex_data(made, side_index(), side.get()) == 1 && SSL_set_fd(made, fd) == 1 &&
                        set_demand(made, wanted, authorities_.get(), now);
    ERR_clear_error();
    if (!is_set) return nullptr;
    if (auto kept = sessions_->take(side->key, now)) {
        side->proof = std::move(kept->proof);
        if (SSL_set_session(made, kept->session.get()) == 1) side->proved_at = kept->proved_at;
    }
    return owner;
}

peer_proof connection::proof() const {
    if (SSL_is_init_finished(ssl_) == 0) return {false, "the TLS handshake is not complete"};
    return proof_of(ssl_);
}

} // namespace postern::tls

#include "tests/unit/tls/dane_peer.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace postern::test {
namespace {

void must(bool fact, const char* what) {
    if (!fact) throw std::runtime_error(what);
}

void extend(X509* what, int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    must(extension != nullptr, value.c_str());
    X509_add_ext(what, extension, -1);
    X509_EXTENSION_free(extension);
}

std::vector<std::uint8_t> digest(const EVP_MD* by, const std::vector<std::uint8_t>& of) {
    std::vector<std::uint8_t> made(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    must(EVP_Digest(of.data(), of.size(), made.data(), &size, by, nullptr) == 1, "digest");
    made.resize(size);
    return made;
}

std::vector<std::uint8_t> taken(unsigned char* der, int size) {
    must(size > 0, "DER");
    std::vector<std::uint8_t> made(der, der + size);
    OPENSSL_free(der);
    return made;
}

} // namespace

authority::authority(const std::string& common_name) : authority(common_name, {.is_authority = true}) {}

authority::authority(const std::string& common_name, const order& what, const authority* issuer)
    : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    static int serial = 0;
    X509_set_version(certificate_, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(certificate_), test_now - 300 * test_day);
    ASN1_TIME_set(X509_getm_notAfter(certificate_), what.not_after);
    X509_NAME* const subject = X509_get_subject_name(certificate_);
    const auto* const octets = reinterpret_cast<const unsigned char*>(common_name.c_str());
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, octets, -1, -1, 0);
    X509_set_issuer_name(certificate_,
                         issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate_));
    X509_set_pubkey(certificate_, key_);
    std::string names;
    for (const auto& name : what.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    if (!names.empty()) extend(certificate_, NID_subject_alt_name, names);
    if (!what.extended_usage.empty()) extend(certificate_, NID_ext_key_usage, what.extended_usage);
    if (what.is_authority) {
        const auto length = what.path_length < 0 ? "" : ",pathlen:" + std::to_string(what.path_length);
        extend(certificate_, NID_basic_constraints, "critical,CA:TRUE" + length);
    }
    must(X509_sign(certificate_, issuer == nullptr ? key_ : issuer->key_, EVP_sha256()) > 0, "X509_sign");
}

authority::~authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
}

std::vector<std::uint8_t> authority::certificate_der() const {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate_, &der);
    return taken(der, size);
}

std::vector<std::uint8_t> authority::key_der() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_, &der);
    return taken(der, size);
}

std::string authority::certificate_pem() const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate_);
    char* start = nullptr;
    const long size = BIO_get_mem_data(memory, &start);
    std::string text(start, static_cast<std::size_t>(size));
    BIO_free(memory);
    return text;
}

protocol::tlsa_record authority::record(int usage, int selector, int type) const {
    auto data = selector == 0 ? certificate_der() : key_der();
    if (type != 0) data = digest(type == 1 ? EVP_sha256() : EVP_sha512(), data);
    return {static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
            static_cast<std::uint8_t>(type), std::move(data)};
}

showing_server::showing_server(const std::vector<const authority*>& chain, int most_version)
    : context_(SSL_CTX_new(TLS_server_method())) {
    must(SSL_CTX_use_certificate(context_, chain.front()->certificate()) == 1, "certificate");
    must(SSL_CTX_use_PrivateKey(context_, chain.front()->key()) == 1, "key");
    for (std::size_t i = 1; i < chain.size(); ++i)
        must(SSL_CTX_add1_chain_cert(context_, chain[i]->certificate()) == 1, "chain");
    SSL_CTX_set_mode(context_, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("t"), 1);
    if (most_version != 0) SSL_CTX_set_max_proto_version(context_, most_version);
}

showing_server::~showing_server() { SSL_CTX_free(context_); }

encounter visit(const showing_server& server, const tls::client_context& with, const tls::demand& wanted,
                std::int64_t now) {
    const socket_pair sockets;
    const std::unique_ptr<SSL, decltype(&SSL_free)> other(SSL_new(server.context()), SSL_free);
    SSL_set_fd(other.get(), sockets.server());
    SSL_set_accept_state(other.get());
    const auto ours = with.connect(sockets.client(), wanted, now);
    must(ours != nullptr, "connect");
    auto status = tls::io_status::want_read;
    bool other_done = false;
    for (int turn = 0; turn < 20 && !(other_done && status == tls::io_status::done); ++turn) {
        if (status != tls::io_status::done) status = ours->handshake();
        if (!other_done) other_done = SSL_do_handshake(other.get()) == 1;
    }
    encounter met;
    met.is_done = other_done && status == tls::io_status::done;
    met.error = ours->error();
    met.proof = ours->proof();
    if (!met.is_done) return met;
    met.facts = ours->facts();
    if (const char* const name = SSL_get_servername(other.get(), TLSEXT_NAMETYPE_host_name)) met.sni = name;
    SSL_write(other.get(), "2", 1);
    char heard[4];
    must(ours->read(heard).octets == 1, "read");
    ours->shutdown();
    SSL_shutdown(other.get());
    return met;
}

} // namespace postern::test

#include "tests/unit/tls/tls_peer.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace postern::test {
namespace {

void must(bool fact, const char* what) {
    if (!fact) throw std::runtime_error(what);
}

EVP_PKEY* make_key(key_kind kind) {
    switch (kind) {
    case key_kind::p256: return EVP_EC_gen("P-256");
    case key_kind::rsa2048: return EVP_RSA_gen(2048);
    case key_kind::rsa1024: return EVP_RSA_gen(1024);
    }
    return nullptr;
}

X509* make_certificate(EVP_PKEY* key, const certificate_order& order) {
    X509* const made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    ASN1_TIME_set(X509_getm_notBefore(made), order.not_before);
    ASN1_TIME_set(X509_getm_notAfter(made), order.not_after);
    X509_NAME* const subject = X509_get_subject_name(made);
    const auto* const octets = reinterpret_cast<const unsigned char*>(order.common_name.c_str());
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, octets, -1, -1, 0);
    X509_set_issuer_name(made, subject);
    X509_set_pubkey(made, key);
    std::string names;
    for (const std::string& name : order.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    if (!names.empty()) {
        X509_EXTENSION* const extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
        X509_add_ext(made, extension, -1);
        X509_EXTENSION_free(extension);
    }
    must(X509_sign(made, key, EVP_sha256()) > 0, "X509_sign");
    return made;
}

std::string text_and_free(BIO* memory) {
    char* start = nullptr;
    const long size = BIO_get_mem_data(memory, &start);
    std::string text(start, static_cast<std::size_t>(size));
    BIO_free(memory);
    return text;
}

} // namespace

temporary_folder::temporary_folder() : path_("/tmp/postern-tls-XXXXXX") {
    must(::mkdtemp(path_.data()) != nullptr, "mkdtemp");
}
temporary_folder::~temporary_folder() { std::filesystem::remove_all(path_); }

conf::certificate_settings issue(const temporary_folder& folder, const std::string& name,
                                 const certificate_order& order) {
    EVP_PKEY* const key = make_key(order.kind);
    X509* const made = make_certificate(key, order);
    BIO* const key_text = BIO_new(BIO_s_mem());
    BIO* const text = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_X509(text, made);
    conf::certificate_settings files{folder.file(name + ".crt"), folder.file(name + ".key")};
    write_text(files.key, text_and_free(key_text));
    write_text(files.cert, text_and_free(text));
    X509_free(made);
    EVP_PKEY_free(key);
    return files;
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    must(out.good(), "write");
}

std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string encrypted_key(const std::string& plain_key_file) {
    const std::string plain = read_text(plain_key_file);
    BIO* const source = BIO_new_mem_buf(plain.data(), static_cast<int>(plain.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr);
    BIO_free(source);
    BIO* const out = BIO_new(BIO_s_mem());
    const auto* const password = reinterpret_cast<const unsigned char*>("secret");
    must(PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), password, 6, nullptr, nullptr) == 1,
         "encrypt");
    EVP_PKEY_free(key);
    return text_and_free(out);
}

void free_session::operator()(ssl_session_st* owned) const { SSL_SESSION_free(owned); }

socket_pair::socket_pair() {
    std::signal(SIGPIPE, SIG_IGN);
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) == 0, "socketpair");
}
socket_pair::~socket_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
}

client::client(int fd, const preparation& prepare) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    ssl_ = SSL_new(context_);
    SSL_set_security_level(ssl_, 0);
    SSL_set_fd(ssl_, fd);
    SSL_set_connect_state(ssl_);
    if (prepare) prepare(context_, ssl_);
}

client::~client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
}

bool client::handshake_step() { return SSL_do_handshake(ssl_) == 1; }
ssl_session_st* client::session() const { return SSL_get_session(ssl_); }

std::string client::peer_name() const {
    const X509* const shown = SSL_get0_peer_certificate(ssl_);
    if (shown == nullptr) return "";
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    return name;
}

std::string client::read_some() {
    char part[20'000];
    const int octets = SSL_read(ssl_, part, sizeof part);
    return octets > 0 ? std::string(part, static_cast<std::size_t>(octets)) : std::string();
}

bool shake(tls::connection& server, client& peer) {
    bool client_done = false;
    bool server_done = false;
    for (int turn = 0; turn < 20 && !(client_done && server_done); ++turn) {
        if (!client_done) client_done = peer.handshake_step();
        if (server_done) continue;
        const tls::io_status status = server.handshake();
        if (status == tls::io_status::failed || status == tls::io_status::closed) {
            peer.handshake_step(); // reads the alert
            return false;
        }
        server_done = status == tls::io_status::done;
    }
    return client_done && server_done;
}

std::unique_ptr<meeting> meet(const tls::server_contexts& contexts, const std::string& listener,
                              const client::preparation& prepare) {
    auto met = std::make_unique<meeting>();
    met->server = contexts.accept(listener, met->sockets.server());
    met->peer = std::make_unique<client>(met->sockets.client(), prepare);
    met->done = shake(*met->server, *met->peer);
    return met;
}

session_handle session_of(meeting& met) {
    met.peer->read_some();
    session_handle session(SSL_get1_session(met.peer->ssl()));
    // Dropped without a shutdown an SSL spoils its session; a client that resumes has closed in order.
    SSL_set_shutdown(met.peer->ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return session;
}

} // namespace postern::test

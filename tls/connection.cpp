#include "tls/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <system_error>
#include <utility>

namespace postern::tls {
namespace {

std::string oldest_reason() {
    const unsigned long code = ERR_get_error();
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "unknown TLS error";
}

bool ended_without_notice() {
    const unsigned long code = ERR_peek_error();
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

std::string printable(std::string_view text) {
    std::string out(text);
    const auto odd = [](char octet) { return octet <= ' ' || octet > '~'; };
    std::replace_if(out.begin(), out.end(), odd, '?');
    return out;
}

} // namespace

struct connection::watch {
    // Counts what a peer can send without end inside one SSL_read: key updates (TLS 1.3) and refused
    // renegotiations (TLS 1.2, seen by the warning we send). Past the limit the SSL is told that the peer has
    // shut down, which ends its loop.
    static void on_message(int written, int, int type, const void* bytes, std::size_t size, SSL* ssl,
                           void* owner) {
        const auto* const first = static_cast<const unsigned char*>(bytes);
        const bool key_update =
            written == 0 && type == SSL3_RT_HANDSHAKE && size > 0 && first[0] == SSL3_MT_KEY_UPDATE;
        const bool refusal =
            written != 0 && type == SSL3_RT_ALERT && size > 1 && first[1] == SSL_AD_NO_RENEGOTIATION;
        if (!key_update && !refusal) return;
        auto& self = *static_cast<connection*>(owner);
        if (++self.empty_messages_ > empty_messages_max) SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
    }
};

connection::connection(ssl_st* owned, std::shared_ptr<const void> contexts)
    : contexts_(std::move(contexts)), ssl_(owned) {
    SSL_set_msg_callback(ssl_, watch::on_message);
    SSL_set_msg_callback_arg(ssl_, this);
}

connection::~connection() { SSL_free(ssl_); }

io_status connection::handshake() {
    if (ended_) return *ended_;
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_);
    return outcome == 1 ? io_status::done : classify(outcome);
}

io_outcome connection::read(std::span<char> into) {
    if (ended_) return {*ended_, 0};
    ERR_clear_error();
    std::size_t octets = 0;
    const int outcome = SSL_read_ex(ssl_, into.data(), into.size(), &octets);
    if (outcome == 1) return {io_status::done, octets};
    return {classify(outcome), 0};
}

io_outcome connection::write(std::string_view bytes) {
    if (ended_) return {*ended_, 0};
    if (bytes.empty()) return {io_status::done, 0};
    ERR_clear_error();
    std::size_t octets = 0;
    const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &octets);
    if (outcome == 1) return {io_status::done, octets};
    return {classify(outcome), 0};
}

io_status connection::classify(int outcome) {
    const int system_error = errno;
    const int reason = SSL_get_error(ssl_, outcome);
    if (reason == SSL_ERROR_WANT_READ) return io_status::want_read;
    if (reason == SSL_ERROR_WANT_WRITE) return io_status::want_write;
    ended_ = classify_failure(reason, system_error);
    ERR_clear_error();
    return *ended_;
}

io_status connection::classify_failure(int reason, int system_error) {
    if (empty_messages_ > empty_messages_max) {
        error_ = "too many messages without data";
        return io_status::failed;
    }
    if (reason == SSL_ERROR_ZERO_RETURN) {
        error_ = "the peer ended TLS";
        return io_status::closed;
    }
    if (reason == SSL_ERROR_SSL && ended_without_notice()) {
        error_ = "the peer closed the connection without ending TLS";
        return io_status::closed;
    }
    const bool system = reason == SSL_ERROR_SYSCALL && ERR_peek_error() == 0;
    error_ = system ? std::generic_category().message(system_error) : oldest_reason();
    return io_status::failed;
}

void connection::shutdown() {
    if (ended_ == io_status::failed || SSL_in_init(ssl_) != 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
    if (ended_) return;
    error_ = "TLS was ended";
    ended_ = io_status::closed;
}

bool connection::has_decrypted_input() const { return !ended_ && SSL_pending(ssl_) > 0; }

protocol::sasl::channel_binding connection::channel_binding() const {
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    constexpr std::size_t exported_octets = 32;
    std::array<unsigned char, EVP_MAX_MD_SIZE> data{};
    if (SSL_version(ssl_) >= TLS1_3_VERSION) {
        if (SSL_export_keying_material(ssl_, data.data(), exported_octets, label.data(), label.size(),
                                       nullptr, 0, 0) != 1)
            return {};
        return {"tls-exporter", {reinterpret_cast<const char*>(data.data()), exported_octets}};
    }
    if (SSL_get_extms_support(ssl_) != 1) return {};
    // The first Finished of the handshake: the client's, or in a resumed session the server's.
    const bool ours = (SSL_session_reused(ssl_) == 1) == (SSL_is_server(ssl_) == 1);
    const auto octets = ours ? SSL_get_finished(ssl_, data.data(), data.size())
                             : SSL_get_peer_finished(ssl_, data.data(), data.size());
    if (octets == 0 || octets > data.size()) return {};
    return {"tls-unique", {reinterpret_cast<const char*>(data.data()), octets}};
}

session_facts connection::facts() const {
    session_facts facts;
    facts.protocol = SSL_get_version(ssl_);
    if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_)) {
        facts.cipher = SSL_CIPHER_get_name(cipher);
        facts.bits = SSL_CIPHER_get_bits(cipher, nullptr);
    }
    if (const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name))
        facts.server_name = printable(name);
    facts.resumed = SSL_session_reused(ssl_) == 1;
    return facts;
}

std::string connection::error() const { return error_; }

} // namespace postern::tls

#include "tls/ticket_crypto.hpp"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdexcept>

namespace postern::tls {
namespace {

constexpr int iv_size = 16;

template <std::size_t Size> bool fill(std::array<unsigned char, Size>& out) {
    return RAND_bytes(out.data(), static_cast<int>(Size)) == 1;
}

std::optional<ticket_key> random_key() {
    ticket_key key;
    if (!fill(key.name) || !fill(key.cipher) || !fill(key.mac)) return std::nullopt;
    return key;
}

bool set_mac(EVP_MAC_CTX* mac, const ticket_key& key) {
    auto secret = key.mac;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    const bool set = EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(secret.data(), secret.size());
    return set;
}

int seal(const ticket_key& key, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) {
    if (RAND_bytes(iv, iv_size) != 1) return -1;
    std::copy(key.name.begin(), key.name.end(), name);
    if (EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr) != 1) return -1;
    return set_mac(mac, key) ? 1 : -1;
}

bool open(const ticket_key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    return set_mac(mac, key) &&
           EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr) == 1;
}

} // namespace

ticket_keys::key_set::~key_set() {
    OPENSSL_cleanse(&current, sizeof current);
    if (previous) OPENSSL_cleanse(&*previous, sizeof *previous);
}

ticket_keys::ticket_keys() {
    const std::optional<ticket_key> key = random_key();
    if (!key) throw std::runtime_error("no random numbers for session tickets");
    auto first = std::make_shared<key_set>();
    first->current = *key;
    keys_ = std::move(first);
}

ticket_keys::~ticket_keys() = default;

void ticket_keys::rotate() {
    const std::optional<ticket_key> key = random_key();
    if (!key) return; // the old keys still serve; the next rotation tries again
    auto next = std::make_shared<key_set>();
    next->current = *key;
    const std::lock_guard guard(lock_);
    next->previous = keys_->current;
    keys_ = std::move(next);
}

std::shared_ptr<const ticket_keys::key_set> ticket_keys::current() const {
    const std::lock_guard guard(lock_);
    return keys_;
}

int prepare_ticket(const ticket_keys::key_set& keys, unsigned char* name, unsigned char* iv,
                   evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac, ticket_direction direction) {
    if (direction == ticket_direction::seal) return seal(keys.current, name, iv, cipher, mac);
    const auto named = [name](const ticket_key& key) {
        return std::equal(key.name.begin(), key.name.end(), name);
    };
    // Always a new ticket for the next time: a client should use each once (RFC 8446 Appendix C.4).
    const ticket_key* key = named(keys.current)                      ? &keys.current
                            : keys.previous && named(*keys.previous) ? &*keys.previous
                                                                     : nullptr;
    if (key == nullptr) return 0;
    return open(*key, iv, cipher, mac) ? 2 : -1;
}

} // namespace postern::tls

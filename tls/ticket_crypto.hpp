// How a session ticket is sealed and opened: AES-256-CBC and HMAC-SHA-256 (RFC 5077 §4), with keys that
// outlive a reload.
#pragma once

#include "tls/server_contexts.hpp"

#include <array>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace postern::tls {

struct ticket_key {
    std::array<unsigned char, 16> name{}; // travels in the ticket
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
};

struct ticket_keys::key_set {
    ticket_key current;
    std::optional<ticket_key> previous;
    ~key_set(); // wipes the keys
};

enum class ticket_direction { seal, open };

// Exactly what SSL_CTX_set_tlsext_ticket_key_evp_cb wants of its callback: -1 error, 0 unknown key, 1 good, 2
// good but issue a new ticket. `name` has 16 octets; `iv` 16.
int prepare_ticket(const ticket_keys::key_set& keys, unsigned char* name, unsigned char* iv,
                   evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac, ticket_direction direction);

} // namespace postern::tls

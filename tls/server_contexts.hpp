// Everything a server needs to answer a handshake: certificates chosen by SNI, versions and ciphers, session
// tickets bound to one listener. An immutable snapshot: reload builds a new one and swaps the pointer;
// running sessions keep theirs. Thread-safe to use.
#pragma once

#include "conf/config.hpp"
#include "tls/connection.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace postern::tls {

// Ticket keys of one listener, kept across reloads so that resumption goes on: the current key and the one
// before it. rotate() at least daily; tickets of the key before the last no longer count. Thread-safe.
class ticket_keys {
  public:
    ticket_keys(); // random
    ~ticket_keys();
    void rotate();
    struct key_set;
    std::shared_ptr<const key_set> current() const;

  private:
    mutable std::mutex lock_; // of keys_; held for a copy
    std::shared_ptr<const key_set> keys_;
};

// What is wrong with a certificate, with the key of the setting it came from ("tls.certificate[1].key",
// counted from 0).
struct certificate_problem {
    std::string key;
    std::string problem;
};

enum class cipher_policy {
    opportunistic, // port 25: anything better than plain text that TLS 1.2 still has with a real key exchange
    strict,        // submission: AEAD and forward secrecy only
};

class server_contexts {
  public:
    struct listener {
        std::string name;
        cipher_policy ciphers = cipher_policy::opportunistic;
        std::shared_ptr<ticket_keys> tickets;
    };
    // Reads every certificate: unreadable, not matching its key, expired or not yet valid at `now` are
    // problems (all of them are reported, and nothing is returned). Certificates of different key types
    // (P-256 and RSA) with the same set of names serve together, whatever the client can use; for a name that
    // certificates share otherwise the first of them wins. With `before`, a pair that has a problem stays as
    // it was there, and nothing is returned only when it wasn't.
    static std::shared_ptr<const server_contexts>
    load(const conf::tls_settings& settings, const std::vector<listener>& listeners, std::int64_t now,
         std::vector<certificate_problem>& problems, const server_contexts* before = nullptr);
    ~server_contexts();

    // A connection on `fd` for that listener, ready for handshake(); null only when memory is short. It may
    // outlive this object.
    std::unique_ptr<connection> accept(const std::string& listener_name, int fd) const;
    // When the first of the certificates ceases to be valid, unix seconds: for warnings.
    std::int64_t earliest_expiry() const;

  private:
    struct impl;
    explicit server_contexts(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

} // namespace postern::tls

// The other side of DANE tests: certificates under one another, and a server that shows them.
#pragma once

#include "protocol/dns/records.hpp"
#include "tests/unit/tls/tls_peer.hpp"
#include "tls/client_context.hpp"

#include <string>
#include <vector>

struct x509_st;
struct evp_pkey_st;

namespace postern::test {

// A key with a certificate; without an issuer it signs itself.
class authority {
  public:
    struct order {
        std::vector<std::string> names = {}; // of subjectAltName
        std::string extended_usage = {};     // "clientAuth"
        bool is_authority = false;
        int path_length = -1;
        std::int64_t not_after = test_now + 90 * test_day;
    };
    explicit authority(const std::string& common_name); // a root
    authority(const std::string& common_name, const order& what, const authority* issuer = nullptr);
    ~authority();
    authority(const authority&) = delete;
    authority& operator=(const authority&) = delete;

    std::vector<std::uint8_t> certificate_der() const;
    std::vector<std::uint8_t> key_der() const;
    std::string certificate_pem() const;
    // The TLSA record of this, by selector and matching type.
    protocol::tlsa_record record(int usage, int selector, int type) const;
    x509_st* certificate() const { return certificate_; }
    evp_pkey_st* key() const { return key_; }

  private:
    evp_pkey_st* key_;
    x509_st* certificate_;
};

// Shows the first certificate, with the others behind it.
class showing_server {
  public:
    explicit showing_server(const std::vector<const authority*>& chain, int most_version = 0);
    ~showing_server();
    showing_server(const showing_server&) = delete;
    showing_server& operator=(const showing_server&) = delete;
    ssl_ctx_st* context() const { return context_; }

  private:
    ssl_ctx_st* context_;
};

// One connection to it: the handshake, and an octet from the server, so that its tickets were read.
struct encounter {
    bool is_done = false;
    tls::peer_proof proof;
    tls::session_facts facts;
    std::string sni;   // as the server saw it
    std::string error; // of the client
};
encounter visit(const showing_server& server, const tls::client_context& with, const tls::demand& wanted,
                std::int64_t now = test_now);

} // namespace postern::test

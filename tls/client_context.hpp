// What it takes to be the client of a TLS connection to another mail server: opportunistic, bound to the TLSA
// records of the server (RFC 7672), or to its name and the authorities that this machine trusts. Immutable
// but for the sessions that it keeps; any thread.
#pragma once

#include "tls/connection.hpp"
#include "tls/handles.hpp"

#include <cstdint>
#include <memory>

namespace postern::tls {

class client_sessions;

class client_context {
  public:
    // Null when memory is short.
    static std::shared_ptr<const client_context> make();
    // A connection on `fd`, ready for handshake(); null when memory is short or the demand can't be made:
    // one of `dane` or `verified` without a host, or of `dane` with an unusable record. It may outlive this
    // object. The handshake succeeds whosever the certificate is: connection::proof() says whether mail may
    // follow.
    // `now` is unix seconds.
    std::unique_ptr<connection> connect(int fd, const demand& wanted, std::int64_t now) const;
    const client_sessions& sessions() const { return *sessions_; }

  private:
    client_context(context_handle inner, store_handle authorities, std::shared_ptr<client_sessions> sessions);
    context_handle context_;
    store_handle authorities_; // OpenSSL's usual ones: SSL_CERT_FILE and SSL_CERT_DIR lead elsewhere
    std::shared_ptr<client_sessions> sessions_;
};

} // namespace postern::tls

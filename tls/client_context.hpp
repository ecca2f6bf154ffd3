// What it takes to be the client of a TLS connection to another mail server: opportunistic, or bound to the
// TLSA records of the server (RFC 7672). Immutable but for the sessions that it keeps; any thread.
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
    // one of `dane` without a host or with an unusable record. It may outlive this object. The handshake
    // succeeds whosever the certificate is: with `dane` connection::proof() says whether mail may follow.
    // `now` is unix seconds.
    std::unique_ptr<connection> connect(int fd, const demand& wanted, std::int64_t now) const;
    const client_sessions& sessions() const { return *sessions_; }

  private:
    client_context(context_handle inner, std::shared_ptr<client_sessions> sessions);
    context_handle context_;
    std::shared_ptr<client_sessions> sessions_;
};

} // namespace postern::tls

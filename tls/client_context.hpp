// What it takes to be the client of a TLS connection that proves nothing: against those who only listen.
// Immutable; any thread.
#pragma once

#include "tls/connection.hpp"
#include "tls/handles.hpp"

#include <memory>

namespace postern::tls {

class client_context {
  public:
    // Null when memory is short.
    static std::shared_ptr<const client_context> make();
    // A connection on `fd`, ready for handshake(); null when memory is short. It may outlive this object.
    // Whose certificate it is isn't looked at (RFC 7435).
    std::unique_ptr<connection> connect(int fd) const;

  private:
    explicit client_context(context_handle inner);
    context_handle context_;
};

} // namespace postern::tls

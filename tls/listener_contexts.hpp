// The SSL contexts of one listener, one for each set of names, all with the same rules: versions, ciphers,
// tickets, ALPN, and the choice among them by SNI. Immutable once built; OpenSSL's callbacks point here, so
// it must outlive every SSL made from it.
#pragma once

#include "tls/certificate.hpp"
#include "tls/connection.hpp"
#include "tls/name_table.hpp"
#include "tls/server_contexts.hpp"

namespace postern::tls {

class listener_contexts {
  public:
    // `min_version` as in tls.min_version. Never fails; without contexts it answers no one.
    listener_contexts(const server_contexts::listener& settings, const std::string& min_version,
                      std::shared_ptr<const name_table> names);
    listener_contexts(const listener_contexts&) = delete;
    listener_contexts& operator=(const listener_contexts&) = delete;

    // The next context, number 0 being the one for unknown names; name_table's holders are these numbers.
    // False when memory is short.
    [[nodiscard]] bool add_context();
    // Adds to the latest context. What OpenSSL has against it ("ee key too small").
    [[nodiscard]] std::optional<std::string> add_certificate(const certificate& loaded);

    std::unique_ptr<connection> accept(int fd, std::shared_ptr<const void> self) const;
    ssl_ctx_st* context_for(const char* server_name) const; // null or odd names get the first
    const ticket_keys& tickets() const { return *tickets_; }

  private:
    std::string name_;
    cipher_policy ciphers_;
    std::string min_version_;
    std::shared_ptr<const ticket_keys> tickets_;
    std::shared_ptr<const name_table> names_;
    std::vector<context_handle> contexts_;
};

} // namespace postern::tls

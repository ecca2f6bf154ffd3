// Forwarded senders (protocol/mail/srs.hpp) by this server's secrets, and what an address of ours that is one
// stands for.
#pragma once

#include "conf/config.hpp"
#include "protocol/mail/srs.hpp"
#include "storage/tables/directory.hpp"

namespace postern::policy {

// Immutable: any thread.
class sender_rewriter {
  public:
    // The first signs. Never empty.
    explicit sender_rewriter(const std::vector<std::string>& secrets);

    // `now` is unix seconds, here and below. nullopt: as protocol::srs::forward().
    std::optional<protocol::address> forward(const protocol::address& sender, std::string_view domain,
                                             std::int64_t now) const;
    // Of an address at a domain of ours; through addresses of ours to one that isn't. other: it isn't ours,
    // or not of the form, or relay.srs is off and nothing here has signed it.
    result<protocol::srs::reversed> original_of(const storage::directory& accounts,
                                                const conf::config& config,
                                                const protocol::address& recipient, std::int64_t now) const;

  private:
    std::vector<protocol::srs::signer> signers_;
};

// The domain is hosted here, or a name that this server has beside that: its own, or relay.srs_domain.
result<bool> is_own_domain(const storage::directory& accounts, const conf::config& config,
                           const std::string& domain);

} // namespace postern::policy

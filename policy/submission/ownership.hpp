// Which addresses an account may write from: its mailbox's, those of aliases that name it among their
// targets, each of these in every alias domain, and its confirmed and learned identities. Asked with one
// address it costs a few look-ups whatever there is; the list is for texts. Blocking as the tables are; any
// thread.
#pragma once

#include "protocol/smtp/address.hpp"
#include "storage/tables/directory.hpp"
#include "storage/tables/identities.hpp"

namespace postern::policy {

class ownership {
  public:
    // Both outlive this; null: nobody has identities.
    ownership(const storage::directory& accounts, const storage::identities* identities)
        : accounts_(accounts), identities_(identities) {}

    // The account is the folded address of its mailbox.
    result<bool> may_use(std::string_view account, const protocol::address& sender) const;
    // Its own first, then aliases, then identities; at most `limit`, no address twice. Of very many aliases
    // some may be missing.
    result<std::vector<std::string>> addresses_of(std::string_view account, std::size_t limit) const;

  private:
    result<bool> is_own(std::string_view account, const protocol::address& sender) const;
    result<bool> is_alias_of(std::string_view account, const std::string& alias) const;

    const storage::directory& accounts_;
    const storage::identities* identities_;
};

// "a@b, c@d and more": whole addresses, at most `octets` of them all.
std::string list_of_addresses(const std::vector<std::string>& addresses, std::size_t octets);

} // namespace postern::policy

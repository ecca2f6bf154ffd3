// What a login that isn't anybody's is checked against, so that neither the time nor SCRAM's salt tells it
// from one that is. Accounts that came from elsewhere have hashes of other kinds, which cost more or less
// than ours: each unknown login gets one kind for good, as often as the accounts have it, so that a slow or a
// fast answer says nothing of one login. Pure; for one thread, or const for many.
#pragma once

#include "policy/submission/keyed_digest.hpp"
#include "protocol/sasl/scram_keys.hpp"

#include <map>
#include <string>

namespace postern::policy {

class decoys {
  public:
    // `key`: this installation's own secret, the same after a restart, or the answers would change then where
    // those of accounts don't.
    explicit decoys(std::string key);

    void count(std::string_view stored); // a setting of an account; "" and unusable ones don't count
    // A setting that no password is right for, always the same for a login while the counts are.
    std::string setting_for(std::string_view login) const;
    // Keys that no proof opens, always the same for a login.
    protocol::sasl::scram_keys keys_for(std::string_view login) const;

  private:
    struct kind {
        std::string setting; // a decoy_of() one of them
        std::size_t accounts = 0;
    };
    std::string key_;
    std::map<std::string, kind> by_cost_; // in an order that is the same after a restart
    std::size_t accounts_ = 0;
};

} // namespace postern::policy

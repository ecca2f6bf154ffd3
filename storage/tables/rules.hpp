// Allow and deny rules as they are kept: for the whole server or one mailbox, one action a pattern. A small
// interface with an LMDB implementation; each backend passes the same contract test. What a pattern means is
// policy's business (policy/rule.hpp); here it is a text, and one text is one rule: write its one spelling.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"
#include "storage/tables/accounts.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace postern::storage {

enum class kept_action : std::uint8_t { allow = 1, deny = 2 };

struct rule_record {
    std::string mailbox; // folded "local@domain"; "" = the whole server
    kept_action action = kept_action::deny;
    std::string pattern;
    std::int64_t created = 0; // seconds since 1970
};

inline constexpr std::size_t rule_mailbox_max = 254; // octets
inline constexpr std::size_t rule_text_max = 255;
// More are too_large: a mailbox's rules are its owner's to write.
inline constexpr std::size_t mailbox_rules_max = 1000;
inline constexpr std::size_t server_rules_max = 100'000;

class rules {
  public:
    virtual ~rules() = default;

    // A number that differs whenever the scope's rules do; 0 = it never had any. Cheap: whoever keeps rules
    // compiled asks this first.
    virtual result<std::uint64_t> version(std::string_view mailbox) const = 0;
    // A scope's rules in pattern order, and the version they are; the visitor says false to stop. It may run
    // inside a read transaction: it must not block or call back.
    virtual result<std::uint64_t> each(std::string_view mailbox,
                                       const std::function<bool(const rule_record&)>& visit) const = 0;
    // All scopes, the server's first.
    virtual result<void> each_scope(const std::function<bool(const rule_record&)>& visit) const = 0;

    // One transaction: all are stored, or none. A rule with the same scope and pattern is replaced.
    // `invalid`: an empty or too long pattern, a NUL, a mailbox that is too long.
    virtual result<void> put(std::span<const rule_record> records) = 0;
    virtual result<bool> remove(std::string_view mailbox, std::string_view pattern) = 0; // false = absent
    // A scope's rules at once; returns how many there were.
    virtual result<std::size_t> remove_all(std::string_view mailbox) = 0;
};

// In the accounts' environment. Writes are durable when they return. Several processes may use it at once.
result<std::unique_ptr<rules>> open_lmdb_rules(accounts_environment accounts);

} // namespace postern::storage

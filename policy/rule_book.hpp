// The allow and deny rules of the tables, compiled when they are first asked for and kept until they change.
// Any thread.
#pragma once

#include "policy/rules.hpp"
#include "storage/tables/rules.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace postern::policy {

// Mailboxes whose rules are kept compiled; with one more all are forgotten.
inline constexpr std::size_t compiled_mailboxes_max = 4096;

class rule_book {
  public:
    explicit rule_book(const storage::rules& table) : table_(table) {} // `table` outlives this

    // Of a mailbox (folded), or with "" of the whole server; never null. An error: the table can't be read.
    result<std::shared_ptr<const rule_set>> of(const std::string& mailbox);

  private:
    struct compiled {
        std::uint64_t version = 0;
        std::shared_ptr<const rule_set> rules;
    };
    std::shared_ptr<const rule_set> kept(const std::string& mailbox, std::uint64_t version);

    const storage::rules& table_;
    std::mutex mutex_;
    std::unordered_map<std::string, compiled> known_;
};

} // namespace postern::policy

// An account that behaves as a stolen one does is suspended: it may send nothing more, and what it has in the
// queue is held, until an operator releases it. The signs are counters that can be read and tuned
// (account_record.hpp). Thread-safe.
#pragma once

#include "policy/submission/account_book.hpp"

namespace postern::policy {

// From how much on each is a sign; 0 = it is none.
struct suspension_terms {
    std::uint32_t first_time = 100;    // recipients within an hour that the account never wrote to
    std::uint32_t networks = 20;       // that it sent from within a day; at most networks_max
    std::uint32_t failed_percent = 50; // of the day's copies that were settled, for good ...
    std::uint32_t failed_min = 30;     // ... when at least so many failed
    std::uint32_t unwanted = 10;       // messages of a day refused as spam or for a virus
    bool operator==(const suspension_terms&) const = default;
};

// The signs as numbers, for people and programs.
struct account_signs {
    std::uint32_t first_time_hour = 0, networks = 0, settled = 0, failed = 0, unwanted = 0;
};
account_signs signs_of(const account_record& record, rate_seconds now);
// Of which sign there is too much, as a sentence; nullopt = of none. Pure.
std::optional<std::string> suspicion(const account_signs& signs, const suspension_terms& terms);

struct suspended {
    enum class by : std::uint8_t { signs = 0, person = 1 } whom = by::signs;
    rate_seconds since = 0;
    std::string why; // UTF-8, one line, at most reason_max octets
};
inline constexpr std::size_t reason_max = 256;
struct suspended_account {
    std::string account;
    suspended how;
    std::string position; // where a listing goes on
};

class suspensions {
  public:
    suspensions(storage::rates& rows, account_book& book) : rows_(rows), book_(book) {} // outlive this

    result<std::optional<suspended>> find(std::string_view account) const;
    result<std::vector<suspended_account>> list(std::string_view position, std::size_t limit) const;

    // Looks at the signs. nullopt: there is nothing new, because they are few or it is suspended already.
    // Else it is suspended now, unless it is only to be reported; on disk within a second.
    enum class use { suspend, report };
    result<std::optional<std::string>> examine(std::string_view account, const suspension_terms& terms,
                                               use how, rate_seconds now);
    // By a person: on disk when they return. release() forgets the signs too, or the next message would
    // suspend it again; false = it was not suspended.
    result<void> suspend(std::string_view account, std::string_view why, rate_seconds now);
    result<bool> release(std::string_view account, rate_seconds now);

    // What became of copies in the queue, for good; and a message that was refused as spam or for a virus.
    result<void> settled(std::string_view account, std::uint32_t delivered, std::uint32_t failed,
                         rate_seconds now);
    result<void> refused_as_unwanted(std::string_view account, rate_seconds now);

  private:
    storage::rates& rows_;
    account_book& book_;
};

} // namespace postern::policy

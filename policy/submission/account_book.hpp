// The rows of accounts that send, and of whom they have written to, in storage::rates. Thread-safe: what
// change() does to an account's record is one step.
#pragma once

#include "policy/submission/account_record.hpp"
#include "protocol/net/ip_address.hpp"
#include "storage/tables/rates.hpp"

#include <array>
#include <functional>
#include <mutex>

namespace postern::policy {

class account_book {
  public:
    explicit account_book(storage::rates& in) : rows_(in) {} // outlives this

    result<account_record> look(std::string_view account) const;
    // `hour` is the hourly limit's window. `how` says false when nothing is to be written; it must not call
    // back.
    result<void> change(std::string_view account, rate_seconds now, rate_seconds hour,
                        const std::function<bool(account_record&)>& how);

    // Of somebody that the account writes to; the address is folded.
    std::uint64_t digest_of(std::string_view account, std::string_view recipient) const;
    // When it last wrote there; nullopt = never, or too long ago to be remembered.
    result<std::optional<rate_seconds>> last_written_to(std::string_view account, std::uint64_t whom) const;
    result<void> remember(std::string_view account, std::uint64_t whom, rate_seconds now, rate_seconds keep);

    // Of an IPv4 client's /24, an IPv6 client's /48.
    std::uint64_t digest_of_network(const protocol::ip_address& client) const;

  private:
    std::mutex& lock_of(std::string_view account) const;

    storage::rates& rows_;
    mutable std::array<std::mutex, 16> locks_;
};

// The network of so many bits that the address is in.
protocol::ip_address network_of(const protocol::ip_address& address, unsigned v4_bits, unsigned v6_bits);

// The key of a row that is found by a name of any length: the sort, the name's digest, and the name.
std::string row_key(const storage::rates& rows, char sort, std::string_view name);
std::string_view name_in(std::string_view row_key);

} // namespace postern::policy

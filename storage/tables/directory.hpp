// Who lives here: domains, alias domains, mailboxes, aliases. A small interface with an LMDB implementation;
// each backend passes the same contract test. Every look-up has three answers: found, absent, try later (an
// error).
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"
#include "storage/tables/accounts.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::storage {

struct domain_record {
    std::string name;               // canonical A-label form
    std::string tier;               // "" = the listener's
    std::string alias_of;           // "" = a domain of its own
    std::uint32_t hourly_limit = 0; // copies that each of its accounts may send; 0 = the server's
};

struct mailbox_record {
    std::string address;     // folded "local@domain"
    std::uint64_t quota = 0; // octets; 0 = none
    bool antispam = true;
    std::string password; // the setting that passwords are checked against, "" = none
    std::int64_t created = 0;
    std::vector<std::string> subject_phrases = {}; // UTF-8; mail whose subject has one is refused
    bool accept_redirected = false;                // from other servers, which SPF would refuse
    std::string scram = {};         // keys of the same password as "iterations,salt,stored,server"; "" = none
    std::uint32_t hourly_limit = 0; // copies that it may send; 0 = its domain's
};
// Of a mailbox: phrases, and octets of one, which is not empty.
inline constexpr std::size_t subject_phrases_max = 50;
inline constexpr std::size_t subject_phrase_max = 128;

struct alias_record {
    std::string address;
    std::string target; // as it is to be written in an envelope
};

// Names and addresses are 1 to directory_key_max octets, an alias and one of its targets together at most
// alias_key_max, without NUL; anything else is `invalid` to a writer and absent to a reader. (An address in
// SMTP has 254 at most.)
inline constexpr std::size_t directory_key_max = 511;
inline constexpr std::size_t alias_key_max = 510;

// Addresses are folded (protocol::address::folded()); "@domain" is a catch-all.
class directory {
  public:
    virtual ~directory() = default;

    virtual result<std::optional<domain_record>> find_domain(std::string_view name) const = 0;
    virtual result<std::optional<mailbox_record>> find_mailbox(std::string_view address) const = 0;
    // Targets of an alias in a stable order, at most `limit` + 1 of them (one more says "there are more");
    // empty = no such alias.
    virtual result<std::vector<std::string>> find_alias(std::string_view address,
                                                        std::size_t limit) const = 0;

    virtual result<void> put_domain(const domain_record& record) = 0;
    virtual result<bool> remove_domain(std::string_view name) = 0; // false = absent
    virtual result<void> put_mailbox(const mailbox_record& record) = 0;
    virtual result<bool> remove_mailbox(std::string_view address) = 0;
    // Targets that are there already stay. Each of these two is one transaction: all of it is stored, or
    // nothing.
    virtual result<void> add_alias(std::string_view address, std::span<const std::string> targets) = 0;
    virtual result<void> add_aliases(std::span<const alias_record> records) = 0; // for imports
    // No targets = the whole alias. Returns how many targets went.
    virtual result<std::size_t> remove_alias(std::string_view address,
                                             std::span<const std::string> targets) = 0;

    // In key order; the visitor says false to stop. It may run inside a read transaction: it must not block
    // or call back.
    virtual result<void> each_domain(const std::function<bool(const domain_record&)>& visit) const = 0;
    virtual result<void> each_mailbox(const std::function<bool(const mailbox_record&)>& visit) const = 0;
    virtual result<void>
    each_alias(std::string_view address_or_all, // "" = all
               const std::function<bool(std::string_view address, std::string_view target)>& visit) const = 0;

    // Aliases that may lead to a folded address directly, and alias domains that may be of a domain, some
    // `limit` of them: for texts. They are looked for among all where a backend keeps no index.
    virtual result<std::vector<std::string>> aliases_to(std::string_view target, std::size_t limit) const;
    virtual result<std::vector<std::string>> alias_domains_of(std::string_view name, std::size_t limit) const;

    // Frees what processes that died while reading hold, for backends where they hold something.
    virtual result<void> clear_dead_readers() const { return {}; }
};

// <state_dir>/accounts. Writes are durable when they return. Several processes may use it at once (the
// commands write it beside a running server). `map_size` bounds it.
result<std::unique_ptr<directory>> open_lmdb_directory(const std::string& state_dir,
                                                       std::uint64_t map_size = accounts_map_size);
result<std::unique_ptr<directory>> open_lmdb_directory(accounts_environment accounts); // open already

} // namespace postern::storage

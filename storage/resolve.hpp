// From an address that a client wrote to the mailboxes and outside addresses it stands for: alias domains,
// aliases (nested, loops found), catch-alls where granted, postmaster always.
#pragma once

#include "protocol/smtp/address.hpp"
#include "storage/tables/directory.hpp"

namespace postern::storage {

struct resolve_settings {
    std::size_t max_targets = 1000;             // final recipients of one address
    std::size_t max_steps = 10000;              // aliases looked at, whatever their shape
    std::vector<std::string> catch_all_domains; // canonical
    std::string postmaster; // folded address where postmaster's mail goes in the end; never empty
    std::string hostname;   // <postmaster> without a domain is postmaster@hostname
};

struct final_recipient {
    std::string address; // a mailbox of ours (folded), or an outside address as the alias names it
    bool local = true;
    std::uint64_t quota = 0;         // of the mailbox; 0 = none
    std::size_t subject_phrases = 0; // of the mailbox: how many
};

enum class resolution_kind {
    found,
    not_ours, // the domain isn't hosted here
    unknown,  // hosted, and nobody by that name
    loop,     // aliases lead only to each other
    too_many, // more than max_targets or max_steps
};

struct resolution {
    resolution_kind kind = resolution_kind::unknown;
    std::vector<final_recipient> recipients; // found: at least one, no address twice
    std::string tier; // the domain's own (an alias domain's before its domain's), "" = the listener's
};

// The domain behind a name, through at most eight alias domains; nullopt: it isn't hosted here, or its alias
// domains go round in circles.
result<std::optional<std::string>> real_domain(const directory& accounts, std::string_view name);

result<resolution> resolve(const directory& accounts, const protocol::address& recipient,
                           const resolve_settings& settings);

} // namespace postern::storage

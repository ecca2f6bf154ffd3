// What is counted of one account that sends: a row of storage::rates. Pure.
#pragma once

#include "policy/submission/window.hpp"
#include "protocol/result.hpp"

#include <string_view>
#include <vector>

namespace postern::policy {

// A network that the account was used from: a digest, because only "another one" matters.
struct seen_network {
    std::uint64_t digest = 0;
    rate_seconds last = 0;
    bool operator==(const seen_network&) const = default;
};

struct account_record {
    counting_window copies;                                  // the hourly limit's
    counting_window first_time;                              // recipients of the day that it never wrote to
    bool told_of_copies = false, told_of_first_time = false; // of these windows: somebody was told
    // Of the signs of a stolen account:
    counting_window first_time_hour;
    counting_window settled;            // copies of the day that were delivered or failed for good
    counting_window failed;             // those that failed; taken together with `settled`
    counting_window unwanted;           // messages of the day that were refused as spam or for a virus
    rate_seconds reported = 0;          // when somebody was last told of the signs; 0 = never
    std::vector<seen_network> networks; // of the last day, the newest last; at most networks_max
    bool operator==(const account_record&) const = default;

    // From when on nothing of it matters.
    rate_seconds expires(rate_seconds now, rate_seconds hour) const;
};
inline constexpr std::size_t networks_max = 32;

std::string encode_account(const account_record& record);
// A damaged row counts as none: its account begins anew.
account_record decode_account(std::string_view octets);

} // namespace postern::policy

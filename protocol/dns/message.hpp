// Questions to a recursive resolver as octets, and what the octets of its answer say. Pure: the caller sends,
// waits, keeps the time and chooses ids. Octets that can't be an answer never become "absent": what isn't
// understood to the last octet is trouble, and trouble is a reason to try later.
#pragma once

#include "protocol/dns/records.hpp"

#include <variant>

namespace postern::protocol {

inline constexpr std::size_t dns_message_max = 65535; // octets, RFC 1035 §4.2.2
// Records in the answer section, aliases and signatures included. Ten of them are of use to mail; this is
// where reading more would only cost.
inline constexpr std::size_t dns_records_max = 1024;
inline constexpr std::size_t dns_aliases_max = 8;       // CNAMEs followed within one answer
inline constexpr std::uint32_t dns_ttl_max = 86400;     // seconds; longer ones are cut (RFC 2181 §8 lets us)
inline constexpr std::uint16_t dns_payload_min = 512;   // octets, RFC 6891 §6.2.3
inline constexpr std::uint16_t dns_payload_best = 1232; // isn't fragmented on any path

struct dns_question {
    dns_name name;
    dns_type type = dns_type::a;
};

struct dns_asking {
    bool recursion = true;     // RD
    bool authenticated = true; // AD: the answer shall say whether it was validated (RFC 6840 §5.7)
    bool signatures = false;   // DO: DNSSEC records too (RFC 3225); needs EDNS
    std::uint16_t payload = dns_payload_best; // octets of UDP we take, at least dns_payload_min; 0: no EDNS
};

// Class IN, one question; at most 282 octets. `id` shall be hard to guess and unlike all those in flight.
std::vector<std::uint8_t> make_question(std::uint16_t id, const dns_question& question,
                                        const dns_asking& asking = {});

// In all of these: `ttl` is in seconds, 0 to dns_ttl_max, the least of all records that the answer rests on;
// 0: don't keep. `authenticated` is the AD bit: worth as much as the path to the resolver.
struct dns_found {
    dns_records records; // at least one, at most dns_records_max
    dns_name name;       // their owner: what was asked for, or what its aliases lead to
    std::uint32_t ttl = 0;
    bool authenticated = false;
};

// There is no such record. The answer is about `name`, to which aliases may have led.
struct dns_absent {
    enum class kind {
        no_name, // NXDOMAIN: nor is there any other record
        no_data, // NODATA: the name has records, or names below it
    };
    kind what = kind::no_data;
    dns_name name;
    std::uint32_t ttl = 0; // from the SOA (RFC 2308 §5); 0 without one
    bool authenticated = false;
};

// The name is an alias, and the answer ends before saying what is at `name`: ask for that, and count.
struct dns_alias {
    dns_name name;
    std::size_t followed = 0; // 1 to dns_aliases_max; a loop over several answers is the caller's to end
    std::uint32_t ttl = 0;
    bool authenticated = false;
};

enum class dns_trouble {
    not_ours,         // another id or question, not a response, less than a header: go on waiting
    truncated,        // TC: ask again by TCP; by TCP it is as bad as malformed
    server_failure,   // SERVFAIL: no server answered, or DNSSEC says bogus
    refused,          // REFUSED
    other_rcode,      // any other; FORMERR, NOTIMP and BADVERS may mean that EDNS isn't known there
    malformed,        // not to be understood, or contradicts itself
    referral,         // sends us to other servers: not a resolver for this name
    alias_loop,       // CNAMEs that lead back
    too_many_aliases, // more than dns_aliases_max
    too_many_records, // more than dns_records_max
};

struct dns_later {
    dns_trouble why = dns_trouble::malformed;
    std::uint16_t rcode = 0; // RFC 6895 §2.3, 12 bits with EDNS; for the log
};

using dns_answer = std::variant<dns_found, dns_absent, dns_alias, dns_later>;

// Never reads beyond `message`; any octets may be in it. Linear but for names, of which each costs at most
// dns_name_max octets and dns_jumps_max pointers. The answer borrows nothing.
[[nodiscard]] dns_answer read_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                                     const dns_question& question);

} // namespace postern::protocol

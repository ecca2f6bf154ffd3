// The records that a mail server asks for, as values. Each is what its RDATA said and no more: whether an
// address may be used, an exchanger counts or a TLSA record is usable is for others to judge.
#pragma once

#include "protocol/dns/name.hpp"
#include "protocol/net/ip_address.hpp"

#include <vector>

namespace postern::protocol {

class dns_reader;

// What can be asked for. CNAME isn't among them: it is followed. Values are those of the wire.
enum class dns_type : std::uint16_t {
    a = 1,     // RFC 1035 §3.4.1
    ptr = 12,  // RFC 1035 §3.3.12
    mx = 15,   // RFC 1035 §3.3.9
    txt = 16,  // RFC 1035 §3.3.14
    aaaa = 28, // RFC 3596 §2.2
    srv = 33,  // RFC 2782
    tlsa = 52, // RFC 6698 §2.1
};

struct mx_record {
    std::uint16_t preference = 0; // the lowest is tried first, RFC 5321 §5.1
    dns_name exchange;            // the root: the domain takes no mail, RFC 7505

    bool operator==(const mx_record&) const = default;
};

// The most preferred first (RFC 5321 §5.1); equal ones in any order.
void sort_by_preference(std::vector<mx_record>& exchangers);

struct srv_record {
    std::uint16_t priority = 0, weight = 0, port = 0;
    dns_name target; // the root: the service isn't offered there

    bool operator==(const srv_record&) const = default;
};

struct tlsa_record {
    std::uint8_t usage = 0, selector = 0, matching_type = 0; // any value; unknown ones are unusable
    std::vector<std::uint8_t> data;                          // 0 to 65532 octets

    bool operator==(const tlsa_record&) const = default;
};

// All records of the one type that was asked for, in the order received; the other members stay empty.
struct dns_records {
    std::vector<ip_address> addresses; // A, AAAA; an IPv4-mapped AAAA is the IPv4 address
    std::vector<dns_name> pointers;    // PTR
    std::vector<mx_record> exchangers; // MX, not sorted
    // TXT: the strings of one record joined without anything between them (RFC 7208 §3.3); any octets, at
    // most 65535.
    std::vector<std::string> texts;
    std::vector<srv_record> services = {}; // SRV, not sorted
    std::vector<tlsa_record> tlsa;

    bool operator==(const dns_records&) const = default;
};

// Adds the record that `rdata` is. False, and nothing added, unless the RDATA is one of that type to its last
// octet.
[[nodiscard]] bool add_record(dns_records& records, dns_type type, dns_reader rdata);

} // namespace postern::protocol

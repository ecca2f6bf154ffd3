// What the sections of one answer held, and what it means for the question. Between the walk over the octets
// (message.cpp) and the answer; nobody else needs it.
#pragma once

#include "protocol/dns/message.hpp"
#include "protocol/dns/reader.hpp"

namespace postern::protocol {

inline constexpr std::uint16_t dns_rcode_none = 0, dns_rcode_server_failure = 2, dns_rcode_no_name = 3,
                               dns_rcode_refused = 5; // RFC 6895 §2.3

// Class IN alone, every RDATA known to be well-formed; times as in message.hpp.
struct dns_findings {
    struct alias {
        dns_name owner, target;
        std::uint32_t ttl = 0;
    };
    struct record { // of the type asked for
        dns_name owner;
        std::uint32_t ttl = 0;
        dns_reader rdata;
    };
    struct zone { // an SOA of the authority section
        dns_name owner;
        std::uint32_t ttl = 0; // the lesser of its TTL and its minimum
    };
    std::uint16_t rcode = 0; // with the part of EDNS
    bool authenticated = false;
    bool name_servers = false; // NS in the authority section
    std::vector<alias> aliases;
    std::vector<record> records;
    std::vector<zone> zones;
};

dns_answer conclude(const dns_findings& findings, const dns_question& question);

} // namespace postern::protocol

// What the tests of DNS share: messages put together piece by piece, right or wrong as the test wants, and
// answers as one line of text.
#pragma once

#include "protocol/dns/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postern::test {

using octets = std::vector<std::uint8_t>;

// The wire form of a name in presentation form; a test that has it wrong throws.
std::string wire(std::string_view name);
protocol::dns_name name(std::string_view text);
std::string u16(unsigned value);
std::string u32(std::uint32_t value);
octets as_octets(std::string_view text); // storage of its own, to the octet, for AddressSanitizer
octets from_hex(std::string_view hex);

// A resource record as it stands in a message; every field can be said to be another.
struct rr {
    std::string owner; // wire form or pointer
    unsigned type = 0;
    std::string rdata;
    std::uint32_t ttl = 300;
    unsigned klass = 1;
    int lie = 0; // added to the length of the RDATA

    std::string bytes() const;
};

rr record(std::string_view owner, unsigned type, std::string rdata, std::uint32_t ttl = 300);
rr a(std::string_view owner, std::string_view address, std::uint32_t ttl = 300); // AAAA by the address
rr cname(std::string_view owner, std::string_view target, std::uint32_t ttl = 300);
rr mx(std::string_view owner, unsigned preference, std::string_view exchange);
rr soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum);
rr ns(std::string_view owner);
rr opt(unsigned extended_rcode = 0, std::string options = "");

inline constexpr unsigned asked_id = 0x4711;
inline constexpr unsigned good = 0x8180; // response, recursion wanted and there

// A whole message. The counts are right unless the test sets them.
struct packet {
    unsigned flags = good;
    std::string question{}; // wire form, with type and class
    std::vector<rr> answer{}, authority{}, additional{};
    unsigned id = asked_id;
    int counts[4] = {-1, -1, -1, -1}; // what to say in their place
    std::string garbage{};            // after everything

    octets bytes() const;
};

std::string asking(std::string_view name, protocol::dns_type type, unsigned klass = 1);

// "found mx.test 300 ad: 192.0.2.1 | 192.0.2.2", "no name a.test 0", "no data a.test 60 ad",
// "alias b.test after 1, 300", "malformed", "server failure (2)".
std::string shown(const protocol::dns_answer& answer);
std::string shown(const protocol::dns_records& records);

// What the message says to a question with asked_id.
std::string reading(const octets& message, std::string_view name, protocol::dns_type type);

} // namespace postern::test

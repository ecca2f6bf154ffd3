// What a connection to another mail server has to be before mail goes over it. A value: what was kept under
// one demand serves the same demand only.
#pragma once

#include "protocol/dns/records.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace postern::tls {

enum class demand_level : std::uint8_t {
    never,         // plain, whatever is offered
    opportunistic, // encrypted where it works, else plain (RFC 7435)
    encrypted,     // or no mail; whoever is at the other end
    verified,      // and an authority that this machine trusts vouches for the host's name (RFC 9525)
    dane,          // and the certificate matches a record (RFC 7672)
};

struct demand {
    demand_level level = demand_level::never;
    std::string host; // asked for by SNI, with `dane` the TLSA base domain; "" = known by its address only
    std::vector<std::string> names = {}; // of dane: beside `host` these may stand in a certificate
    std::vector<protocol::tlsa_record> records = {}; // of dane: usable ones, at least one (choose_tlsa)

    bool operator==(const demand&) const = default;
};

// What a handshake came to. `words` is one line of printable ASCII, at most proof_words_max octets.
struct peer_proof {
    bool holds = false; // a record matched, and whatever its usage asks for is so
    std::string words;  // "DANE-EE 3 1 1", "PKIX"; or why not; "" where nothing was to be proved
};
inline constexpr std::size_t proof_words_max = 200;

} // namespace postern::tls

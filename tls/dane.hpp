// Which TLSA records of a mail server count (RFC 6698, RFC 7671, RFC 7672), and what they ask for. Pure: it
// is given records whose answer was validated, and knows neither DNS nor a connection.
#pragma once

#include "protocol/dns/records.hpp"

#include <string>
#include <vector>

namespace postern::tls {

enum class tlsa_standing {
    none,     // nothing is published: nothing is asked for
    usable,   // the certificate has to match one of the usable records
    unusable, // none can be used: TLS is a must all the same, and proves nothing (RFC 7672 §2.2)
};

struct tlsa_choice {
    tlsa_standing what = tlsa_standing::none;
    std::vector<protocol::tlsa_record> usable; // in the order published, each once

    bool operator==(const tlsa_choice&) const = default;
};

// Usable are usages 2 and 3 (RFC 7672 §3.1.3 leaves out 0 and 1) with selectors 0 and 1 and matching types 0,
// 1 and 2, whose data have the length of their digest, or are one certificate or key in DER to the last
// octet. Of the digests of one usage and selector only the strongest counts (RFC 7671 §9).
tlsa_choice choose_tlsa(const std::vector<protocol::tlsa_record>& published);

struct certificate;
// A server that shows the certificate, with what follows it in its file, fits the record. Names and dates
// aren't looked at.
bool fits(const protocol::tlsa_record& record, const certificate& shown);

// For logs and notices: "DANE-EE 3 1 1".
std::string tlsa_words(const protocol::tlsa_record& record);

} // namespace postern::tls

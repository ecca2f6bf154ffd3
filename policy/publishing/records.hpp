// The DNS records that a domain whose mail is here should have, from the configuration and the certificates
// in use; and what an answer of DNS says about them. Pure: the caller asks.
#pragma once

#include "conf/config.hpp"
#include "policy/resolver.hpp"
#include "tls/published_keys.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

enum class record_purpose {
    mx,  // where other servers bring its mail
    spf, // who may send in its name
    mta_sts,
    tlsa,    // by which key a host is known (RFC 7672)
    client,  // what mail clients are told
    address, // of a host that another record names
};

// Records of one name and type.
struct wanted_records {
    enum class kind {
        records, // those of `records`
        address, // any A or AAAA, of the name itself: these hosts must not be aliases
        alias,   // a CNAME to `target`, or its addresses
    };
    record_purpose what = record_purpose::mx;
    kind how = kind::records;
    protocol::dns_name name;
    protocol::dns_type type = protocol::dns_type::a; // of `records`
    protocol::dns_records records;                   // at least one, of that type
    protocol::dns_name target;
    std::string note; // for people; "" = nothing to say
};

enum class record_state {
    right,
    missing,
    different, // something else is there in its place
    extra,     // there, and nothing of ours
    unknown,   // DNS could not be asked
    left_out,  // not to be published; the note says why
};

// What is said of one record. Names and values as in a zone file; `value` is "" where any will do or none is
// wanted. What came from DNS is not printable for sure.
struct published_record {
    record_purpose what = record_purpose::mx;
    record_state state = record_state::missing;
    std::string name, type, value;
    std::string there; // what DNS has, where that isn't `value`
    std::string note;
};

struct publication {
    std::vector<wanted_records> wanted;
    std::vector<published_record> left_out;
};

// What is known of the certificates that will answer.
enum class key_origin { configured, self_made, none_yet };

// `domain` and `mailboxes` as in client_settings_of().
publication records_to_publish(const conf::config& config, const tls::published_keys& keys, key_origin origin,
                               const std::string& domain, std::string_view mailboxes);

// `answer` is that to wanted.name and wanted.type; for an address or an alias, that to A, or to AAAA where
// there is no A. `of_target` is the same for an alias' target.
std::vector<published_record> compare(const wanted_records& wanted, const dns_result& answer,
                                      const std::optional<dns_result>& of_target = std::nullopt);

// What a trial says of an SPF policy that compare() found by its words: receivers let mail of the server pass
// from some addresses, and from others not.
void judge_by_trial(published_record& spf, const std::vector<protocol::ip_address>& passed,
                    const std::vector<protocol::ip_address>& refused);

std::string_view name_of(record_purpose what);
std::string_view name_of(record_state state);

} // namespace postern::policy

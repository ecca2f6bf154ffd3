// The Sender Rewriting Scheme: a forwarder puts an address of its own in the place of the sender, from which
// it alone can tell where notices go, so that SPF holds for what it sends on. The form is that of libsrs2 and
// postsrsd, "SRS0=hash=day=domain=local" and "SRS1=hash=hop==…" for what another forwarder has rewritten
// (http://www.open-spf.org/srs/). Pure: who signs, and what day it is, is passed in.
#pragma once

#include "protocol/smtp/address.hpp"

#include <functional>
#include <span>

namespace postern::protocol::srs {

// A keyed digest of the text by one secret, of at least digest_octets_min octets that nobody else can make.
using signer = std::function<std::string(std::string_view text)>;
inline constexpr std::size_t digest_octets_min = 4;

// Stamps are days modulo this; max_age of reverse() must be less by 2.
inline constexpr unsigned days_told_apart = 1024;

// What stands for `sender` at `domain`, one of ours and canonical. `day` counts from 1970-01-01. nullopt: it
// would be longer than a path may be (RFC 5321 §4.5.3.1.3). The local part may well be longer than 64 octets
// (see address.hpp).
std::optional<address> forward(const address& sender, std::string_view domain, const signer& sign,
                               std::int64_t day);

enum class standing : std::uint8_t {
    other, // not is_rewritten_sender()
    valid,
    expired, // ours, older than max_age
    forged,  // not signed by one of ours, or altered in more than the case of letters
};
struct reversed {
    standing is = standing::other;
    address to; // valid: the sender, perhaps in lower case; of SRS1 the address at the first forwarder
};
// `max_age` in days. An SRS1 has no stamp: the first forwarder's, inside, counts there.
reversed reverse(const address& recipient, std::span<const signer> signers, std::int64_t day,
                 unsigned max_age);

} // namespace postern::protocol::srs

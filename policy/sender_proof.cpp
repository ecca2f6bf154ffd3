#include "policy/sender_proof.hpp"

namespace postern::policy {

// Wanted and not asked for: a rule let the sender pass without the test, whoever it was.
storage::sender_proof proof_of_sender(const transaction& learned) {
    using storage::sender_proof;
    if (!learned.spf_wanted) return sender_proof::unknown;
    const bool passed =
        learned.spf_result != nullptr && learned.spf_result->result == protocol::spf::outcome::pass;
    return passed ? sender_proof::proved : sender_proof::unproved;
}

} // namespace postern::policy

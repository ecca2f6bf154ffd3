// What the tests say of a sender's truth, for what is done later: a notice to a forged sender would go to a
// stranger.
#pragma once

#include "policy/context.hpp"
#include "storage/queue.hpp"

namespace postern::policy {

// Proved: SPF passed (RFC 7208 §2.6.3). Unknown: SPF is switched off.
storage::sender_proof proof_of_sender(const transaction& learned);

} // namespace postern::policy

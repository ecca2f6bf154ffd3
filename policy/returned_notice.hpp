// Notices about forwarded mail come to an address of ours that stands for its sender (srs.hpp).
#pragma once

#include "policy/context.hpp"

namespace postern::policy {

// Of the candidate, once it was resolved: leads it to the sender whom it stands for, or fills `no_notice`.
// Only notices, which have no sender of their own (RFC 5321 §4.5.5), go on: else such an address would take
// anybody's mail to somebody outside for as long as it is valid.
void look_behind_forwarded(context& about);

} // namespace postern::policy

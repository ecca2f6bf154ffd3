// What tells one message from another for what is learned: its words, so that a message is the same one after
// it lay in a mailbox, got trace fields, or had its spam header added.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace postern::policy::spam {

// 16 octets. The order of the tokens doesn't count.
std::string message_digest(std::span<const std::uint64_t> tokens);

} // namespace postern::policy::spam

// The `maildirsize` file of Maildir++: what a Maildir holds, as a sum that everybody who adds a message
// appends to. It is an estimate that several programs share: when it is missing, damaged, over 5,120 octets
// or made for another quota, the messages are counted again. Internal to storage/.
#pragma once

#include "storage/file_env.hpp"

namespace postern::storage {

inline constexpr std::size_t maildirsize_max =
    5120; // the specification's limit: longer, and it is counted again

// How many octets still fit into the Maildir open as `box`. When fewer than `wanted` do, and something in the
// folders changed since `maildirsize` was written, they are counted again first (a mail reader that deletes
// need not know of the file).
result<std::uint64_t> maildir_room(file_env& files, const file_handle& box, std::uint64_t quota,
                                   std::uint64_t wanted);

// One message of `size` octets came in. Without a quota only a file that is there already is kept up to date.
// It can't fail: a file that could not be written is removed, and so counted again when it is needed.
void note_delivery(file_env& files, const file_handle& box, std::uint64_t quota, std::uint64_t size);

// The file may no longer be right.
void forget_count(file_env& files, const file_handle& box);

} // namespace postern::storage

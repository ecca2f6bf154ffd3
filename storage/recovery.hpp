// What start-up does before anything is accepted: removes body files that no record names, finds damaged
// records and those whose file is missing or of another size, puts the index of times due right, clears dead
// LMDB readers, and takes over what the journal holds and found no room before. Deletes nothing that a record
// names, in the queue or in the journal.
#pragma once

#include "storage/queue.hpp"

namespace postern::storage {

struct recovery_report {
    std::uint64_t messages = 0;
    std::uint64_t orphans_removed = 0;
    journal_found journal;
    bool owing = false; // the queue has no room for what the journal holds
    due_repairs due;
    // Acknowledged, and their record can't be read or their body file is missing or short: said loudly, kept,
    // not tried unless an operator steers them. One that was given up isn't among them: its sender is told.
    std::vector<queue_id> damaged;
};
result<recovery_report> recover(file_env& files, queue& from);

} // namespace postern::storage

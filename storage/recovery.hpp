// What start-up does before anything is accepted: removes body files that no record names, finds records
// whose file is missing or of another size, clears dead LMDB readers. Deletes nothing that a record names.
#pragma once

#include "storage/queue.hpp"

namespace postern::storage {

struct recovery_report {
    std::uint64_t messages = 0;
    std::uint64_t orphans_removed = 0;
    std::vector<queue_id>
        damaged; // acknowledged, and their body file is missing or short: said loudly, kept, never tried
};
result<recovery_report> recover(file_env& files, const queue& from);

} // namespace postern::storage

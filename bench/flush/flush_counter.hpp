// Counts what makes data durable, as it is asked for: fsync, fdatasync, msync and writes through a descriptor
// that was opened with O_DSYNC or O_SYNC (LMDB's meta page). Linked into a program it counts there; as
// libflush_counter.so in /etc/ld.so.preload it counts in every program of a mount namespace, into a file
// beside itself, NAME.counts, that holds this struct.
#pragma once

#include <atomic>
#include <cstdint>

namespace postern::bench {

struct flush_counts {
    std::atomic<std::uint64_t> fsync{0}, fdatasync{0}, synchronous_write{0}, msync{0};
    std::uint64_t all() const { return fsync + fdatasync + synchronous_write + msync; }
};

flush_counts& flushes();

} // namespace postern::bench

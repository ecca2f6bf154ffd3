// Looks at an LMDB file before LMDB trusts it. LMDB follows page numbers and offsets unchecked through its
// map: a file that was cut or overwritten ends the process by SIGBUS or SIGFPE instead of an error. Reads
// pages with pread, never through the map; reads no overflow pages (bodies), only that they lie inside the
// file. Internal to storage/.
#pragma once

#include "protocol/result.hpp"
#include "storage/errc.hpp"

#include <cstdint>
#include <string>

namespace postern::storage::lmdb {

// Before mdb_env_open: both meta pages are LMDB's and sane. not_found when there is no file. Another process
// may be making it just now: for one without its two pages this waits, up to half a second.
result<void> check_meta_pages(const std::string& data_path);

enum class snapshot {
    sound,
    overtaken, // others committed meanwhile: what was read may be of two states and proves nothing
    damaged,   // or read while a meta page was being written: it is when a second look says so too
};
// Every page that the newest meta page can reach. No read transaction is needed: LMDB gives a state's pages
// out only after the next state was committed, and that is seen. Plain tables only: what a duplicate-sorted
// one would hold is corrupt.
result<snapshot> check_newest_snapshot(int data_file);

} // namespace postern::storage::lmdb

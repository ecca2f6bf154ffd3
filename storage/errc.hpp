// What can go wrong on disk, as one enum. Everything here is temporary for a peer: a 4xx, never "absent".
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace postern::storage {

enum class storage_errc {
    io = 1,       // EIO and whatever has no better name
    no_space,     // ENOSPC, EDQUOT, EFBIG
    map_full,     // the LMDB map is full
    read_only,    // EROFS
    permission,   // EACCES, EPERM
    not_found,    // the named thing does not exist
    exists,       // it exists already
    locked,       // another process holds the state folder
    corrupt,      // a record or file is not of our form
    incomplete,   // there are bodies of messages, or a journal, and no queue that they belong to
    newer_format, // written by a later version
    too_large,    // beyond a named limit
    invalid,      // an argument that can't be stored (an address too long for a key)
    over_quota,   // the mailbox is full
    busy,         // no slot now (LMDB readers, a full pool): nothing was tried
    timed_out,    // no answer in time; what was asked for may still happen
};
boost::system::error_code make_error_code(storage_errc code);
// The storage_errc for an errno value.
storage_errc from_errno(int error);

} // namespace postern::storage

template <> struct boost::system::is_error_code_enum<postern::storage::storage_errc> : std::true_type {};

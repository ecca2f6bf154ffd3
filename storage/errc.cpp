// The category of storage_errc and the way from errno into it.
#include "storage/errc.hpp"

#include <cerrno>

namespace postern::storage {
namespace {

const char* text_of(storage_errc code) {
    switch (code) {
    case storage_errc::io: return "input/output error";
    case storage_errc::no_space: return "no space left";
    case storage_errc::map_full: return "the database map is full";
    case storage_errc::read_only: return "the file system is read-only";
    case storage_errc::permission: return "permission denied";
    case storage_errc::not_found: return "not found";
    case storage_errc::exists: return "exists already";
    case storage_errc::locked: return "held by another process";
    case storage_errc::corrupt: return "damaged, or not of our form";
    case storage_errc::incomplete:
        return "the folder bodies or the file journal holds messages and the folder queue is missing: mount "
               "or "
               "restore it, or move bodies and journal away";
    case storage_errc::newer_format: return "written by a later version";
    case storage_errc::too_large: return "larger than its limit";
    case storage_errc::invalid: return "can't be stored";
    case storage_errc::over_quota: return "the mailbox is full";
    case storage_errc::busy: return "no free slot";
    case storage_errc::timed_out: return "no answer in time";
    }
    return "unknown storage error";
}

class storage_category final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "postern.storage"; }
    std::string message(int value) const override { return text_of(static_cast<storage_errc>(value)); }
};

} // namespace

boost::system::error_code make_error_code(storage_errc code) {
    static const storage_category category;
    return {static_cast<int>(code), category};
}

storage_errc from_errno(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return storage_errc::no_space;
    case EROFS: return storage_errc::read_only;
    case EACCES:
    case ELOOP: // a symbolic link where none may be
    case EXDEV: // a path that leads out of its folder
    case EPERM: return storage_errc::permission;
    case ENOENT:
    case ENOTDIR: return storage_errc::not_found;
    case EEXIST:
    case ENOTEMPTY: return storage_errc::exists;
    case EWOULDBLOCK: return storage_errc::locked;
    case ENAMETOOLONG:
    case EINVAL: return storage_errc::invalid;
    case ENOMEM:
    case EMFILE:
    case ENFILE: return storage_errc::busy;
    default: return storage_errc::io;
    }
}

} // namespace postern::storage

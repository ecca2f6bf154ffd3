// Group first, then user, then a check that there is no way back.
#include "server/privileges.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace postern::server {

std::string drop_privileges(const std::string& user, const std::string& state_dir) {
    if (user.empty() || ::geteuid() != 0) return {};
    errno = 0;
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr)
        return fmt::format("server.user: there is no user \"{}\"; make it (adduser --system --group {}) or "
                           "set server.user = \"\" "
                           "to stay root",
                           user, user);
    const uid_t uid = entry->pw_uid;
    const gid_t gid = entry->pw_gid;
    const auto failed = [&](const char* what) {
        return fmt::format("server.user: {} for \"{}\": {}", what, user, std::strerror(errno));
    };
    // What root made in the state folder at an earlier start must not lock the user out.
    if (::chown(state_dir.c_str(), uid, gid) != 0) return failed("chown of the state folder");
    if (::initgroups(user.c_str(), gid) != 0) return failed("initgroups");
    if (::setgid(gid) != 0) return failed("setgid");
    if (::setuid(uid) != 0) return failed("setuid");
    if (uid != 0 && ::setuid(0) == 0) return "server.user: root could be had back after setuid; not going on";
    return {};
}

} // namespace postern::server

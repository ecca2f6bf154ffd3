// Things first, then group, then user, then a check that there is no way back. A folder is given away by
// descriptor and never through a symbolic link: whoever may write its parent could let it lead anywhere.
#include "server/privileges.hpp"

#include "server/admin/support.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr mode_t socket_folder_mode = 0755;

// errno of what failed, 0 = done. A folder that is the user's already stays as it is, links to it included.
int give_folder(const std::string& path, const service_user& to) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0 && facts.st_uid == to.uid) return 0;
    const storage::file_handle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.is_open() || ::fchown(folder.get(), to.uid, to.gid) != 0) return errno;
    return 0;
}

bool only_root_writes(const std::filesystem::path& folder) {
    struct stat facts{};
    return ::stat(folder.c_str(), &facts) == 0 && facts.st_uid == 0 &&
           (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// In /run, which is empty after each boot, only root can make it. Elsewhere the user does, and when nobody
// can, opening the socket says so.
void make_socket_folder(const std::string& socket, const service_user& to) {
    const auto folder = std::filesystem::path(socket).parent_path();
    if (!only_root_writes(folder.parent_path())) return;
    if (::mkdir(folder.c_str(), socket_folder_mode) == 0) give_folder(folder.string(), to);
}

std::string give_all(const belongings& things, const service_user& to) {
    if (const int error = give_folder(things.state_dir, to); error != 0)
        return fmt::format("{0}: cannot be given to {1}: {2}; chown {1} {0}", things.state_dir, to.name,
                           std::strerror(error));
    if (const auto given = things.lock.give_to(to.uid, to.gid); !given)
        return fmt::format("{}/lock: cannot be given to {}: {}", things.state_dir, to.name,
                           given.error().message());
    make_socket_folder(things.control_socket, to);
    return {};
}

std::string become(const service_user& user) {
    const auto failed = [&](const char* what) {
        return fmt::format("server.user: {} for \"{}\": {}", what, user.name, std::strerror(errno));
    };
    if (::initgroups(user.name.c_str(), user.gid) != 0) return failed("initgroups");
    if (::setgid(user.gid) != 0) return failed("setgid");
    if (::setuid(user.uid) != 0) return failed("setuid");
    if (user.uid != 0 && ::setuid(0) == 0)
        return "server.user: root could be had back after setuid; not going on";
    return {};
}

} // namespace

std::string drop_privileges(const std::string& user, const belongings& things) {
    if (user.empty() || ::geteuid() != 0) return {};
    const auto who = find_user(user);
    if (!who)
        return fmt::format("server.user: there is no user \"{}\"; make it (adduser --system --group {}) or "
                           "set server.user = \"\" "
                           "to stay root",
                           user, user);
    if (auto problem = give_all(things, *who); !problem.empty()) return problem;
    return become(*who);
}

} // namespace postern::server

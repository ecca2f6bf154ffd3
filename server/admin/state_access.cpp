// Whose the state folder is. A command run by root must not leave files that the server, running as its own
// user, can't write.
#include "server/admin/support.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr std::size_t user_entry_max = 64 * 1024;

std::string errno_text() { return std::strerror(errno); }

std::string no_such_user(const std::string& name) {
    return fmt::format("there is no user {}; \"\" keeps the one that starts the server", name);
}

// Makes the folder when it is absent. Made by us, or still empty, it becomes the server's user's; any other
// stays as it is.
std::string make_state_folder(const conf::server_settings& settings) {
    const std::string& path = settings.state_dir;
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return errno_text();
    if (::geteuid() != 0 || settings.user.empty()) return "";
    std::error_code failure;
    if (!made && !std::filesystem::is_empty(path, failure)) return "";
    const auto user = find_user(settings.user);
    if (!user) return no_such_user(settings.user);
    if (::lchown(path.c_str(), user->uid, user->gid) != 0) return errno_text();
    return "";
}

} // namespace

std::optional<service_user> find_user(const std::string& name) {
    std::vector<char> memory(1024);
    passwd entry{};
    passwd* found = nullptr;
    int error = 0;
    while ((error = ::getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found)) == ERANGE &&
           memory.size() < user_entry_max)
        memory.resize(memory.size() * 2);
    if (error != 0 || found == nullptr) return std::nullopt;
    return service_user{name, entry.pw_uid, entry.pw_gid};
}

as_service_user::as_service_user(const conf::server_settings& settings) {
    if (::geteuid() != 0 || settings.user.empty()) return;
    const auto user = find_user(settings.user);
    if (!user) {
        trouble_ = no_such_user(settings.user);
        return;
    }
    const int count = ::getgroups(0, nullptr);
    groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) groups_.clear();
    gid_ = ::getegid();
    changed_ = true;
    if (::initgroups(user->name.c_str(), user->gid) != 0 || ::setegid(user->gid) != 0 ||
        ::seteuid(user->uid) != 0)
        trouble_ = errno_text();
}

as_service_user::~as_service_user() {
    if (!changed_) return;
    // Root stays the real user, so each of these can only succeed; if one did not, going on as the wrong user
    // would be worse.
    if (::seteuid(0) != 0 || ::setegid(gid_) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0)
        std::abort();
}

state_access::state_access(const conf::config& settings, terminal& with) {
    if (::geteuid() == 0 && !settings.server.user.empty() && !find_user(settings.server.user)) {
        code = fail(with, exit_code::config, "server.user", no_such_user(settings.server.user));
        return;
    }
    if (const std::string problem = make_state_folder(settings.server); !problem.empty()) {
        code = fail(with, exit_code::cant_create, settings.server.state_dir, problem);
        return;
    }
    identity_ = std::make_unique<as_service_user>(settings.server);
    if (!identity_->trouble().empty())
        code = fail(with, exit_code::config, "server.user", identity_->trouble());
}

open_accounts::open_accounts(const conf::config& settings, terminal& with)
    : state_(settings, with), code(state_.code) {
    if (code != exit_code::ok) return;
    const std::string& folder = settings.server.state_dir;
    auto opened = storage::open_accounts(folder);
    if (!opened) {
        code = fail(with, folder, opened.error());
        return;
    }
    auto directory = storage::open_lmdb_directory(*opened);
    if (!directory) {
        code = fail(with, folder, directory.error());
        return;
    }
    environment = std::move(*opened);
    tables = std::move(*directory);
}

open_rules::open_rules(const conf::config& settings, terminal& with)
    : accounts(settings, with), code(accounts.code) {
    if (!accounts.tables) return;
    auto opened = storage::open_lmdb_rules(accounts.environment);
    if (opened)
        tables = std::move(*opened);
    else
        code = fail(with, settings.server.state_dir, opened.error());
}

} // namespace postern::server

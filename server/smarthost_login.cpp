#include "server/smarthost_login.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

namespace postern::server {
namespace {

constexpr std::size_t password_max = 512; // octets

smarthost_login refused(const std::string& path, std::string_view why) {
    return {nullptr, fmt::format("{}: {}", path, why), {}};
}

} // namespace

smarthost_login read_smarthost_login(const conf::relay_settings& from) {
    const auto& path = from.smarthost_password_file;
    if (from.smarthost_user.empty() || path.empty()) return {};
    struct stat facts{};
    const bool is_there = ::stat(path.c_str(), &facts) == 0;
    if (is_there && !S_ISREG(facts.st_mode)) return refused(path, "it is no file"); // a pipe could hang here
    std::ifstream in;
    if (is_there) in.open(path, std::ios::binary);
    if (!is_there || !in) {
        const auto why = std::generic_category().message(errno);
        return refused(path, fmt::format("{}; let the server's user read it", why));
    }
    std::string line(password_max + 2, '\0');
    in.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<std::size_t>(in.gcount()));
    line.resize(std::min(line.find('\n'), line.size()));
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) return refused(path, "its first line is empty; write the password there");
    if (line.size() > password_max || line.find('\0') != line.npos)
        return refused(path, "its first line is no password: at most 512 octets, and no NUL");
    smarthost_login made;
    made.login =
        std::make_shared<const protocol::client_login>(from.smarthost_user, protocol::sasl::secret(line));
    protocol::sasl::wipe(line);
    if ((facts.st_mode & (S_IRGRP | S_IROTH)) != 0)
        made.remark = fmt::format("{} can be read by others than its owner: chmod 600", path);
    return made;
}

} // namespace postern::server

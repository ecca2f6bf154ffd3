// The domain is what stands behind the last @: a quoted local part may hold others.
#include "server/local_target.hpp"

#include "protocol/smtp/address.hpp"

namespace postern::server {

storage::maildir_target local_target(const conf::config& config, std::string_view address,
                                     std::uint64_t quota) {
    const auto parsed = protocol::parse_address(address);
    if (parsed)
        return storage::maildir_target_for(config.local.maildir, parsed->local, parsed->domain, quota);
    const auto at = address.rfind('@');
    const auto local = address.substr(0, at);
    const auto domain = at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
    return storage::maildir_target_for(config.local.maildir, local, domain, quota);
}

} // namespace postern::server

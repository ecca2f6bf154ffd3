// The login that the smarthost wants, as the configuration names it.
#pragma once

#include "conf/relay.hpp"
#include "protocol/smtp/client_session.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace postern::server {

inline constexpr std::string_view login_file_key = "relay.smarthost_password_file";

struct smarthost_login {
    std::shared_ptr<const protocol::client_login> login; // null: it wants none, or there is a problem
    std::string problem;                                 // of login_file_key, with the cure; "" = none
    std::string remark;                                  // likewise: others may read the file
};
// Reads relay.smarthost_password_file, when there is one: its first line without its end.
smarthost_login read_smarthost_login(const conf::relay_settings& from);

} // namespace postern::server

// What a session of a listener offers and takes, by the configuration.
#pragma once

#include "conf/config.hpp"
#include "protocol/smtp/server_session.hpp"

namespace postern::server {

protocol::session_settings settings_for(const conf::config& config, const conf::listener_settings& listener);

} // namespace postern::server

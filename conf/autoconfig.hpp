// The section [autoconfig] of the configuration: see config.hpp.
#pragma once

#include <string>

namespace postern::conf {

// What mail clients are told to use. `host`, `imap` and `pop3` may have placeholders: policy::host_for()
// (policy/publishing/client_settings.hpp) fills them in.
struct autoconfig_settings {
    std::string host;     // for sending; "" = the submission listener's hostname
    std::string imap;     // what parse_mail_server() (settings.hpp) reads; "" = none
    std::string pop3;     // as imap
    std::string name;     // of the provider; "" = the domain
    std::string web_host; // where autoconfig.DOMAIN leads; "" = the host of identity.url
    bool operator==(const autoconfig_settings&) const = default;
};

} // namespace postern::conf

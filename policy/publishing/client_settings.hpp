// What the mail clients of a domain are told to use: where to send, where to read, which login. From the
// configuration alone; the same for DNS (RFC 6186, RFC 8314) and for the page that clients read.
#pragma once

#include "conf/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

enum class mail_protocol { smtp, imap, pop3 };
enum class mail_security { tls, starttls };

struct mail_service {
    mail_protocol protocol = mail_protocol::smtp;
    mail_security security = mail_security::tls;
    std::string host; // lower case
    std::uint16_t port = 0;
};

struct client_settings {
    std::string domain; // canonical
    // "%EMAILADDRESS%", the whole address; in an alias domain "%EMAILLOCALPART%@" and the domain of the
    // mailboxes, for these are what logins are known by.
    std::string login;
    std::string name; // for people, UTF-8
    // TLS before STARTTLS (RFC 8314 §3); reading by IMAP, then by POP3, then sending.
    std::vector<mail_service> services;
};

// The host of a setting of [autoconfig]. nullopt: filled in for this domain it is no host name, a label being
// longer than 63 octets or the whole than 253.
std::optional<std::string> host_for(std::string_view host_template, std::string_view domain);

// `mailboxes` is the domain that an alias domain stands for in the end, or `domain` itself; both are
// canonical.
client_settings client_settings_of(const conf::config& config, const std::string& domain,
                                   std::string_view mailboxes);

// Thunderbird's autoconfig format 1.1, which other clients read too.
std::string autoconfig_xml(const client_settings& settings);

} // namespace postern::policy

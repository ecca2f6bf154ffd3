#include "policy/publishing/client_settings.hpp"

#include "conf/settings.hpp"
#include "protocol/dns/name.hpp"

#include <algorithm>

namespace postern::policy {

namespace {

constexpr std::size_t host_max = 253; // octets, without the final dot

std::string in_one_label(std::string_view domain) {
    std::string made;
    for (const char c : domain) made += c == '.' ? std::string("--") : std::string(1, c);
    return made;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

// Of the first listener of that kind that can be reached; port 0 is any, so nothing can be said of it.
std::optional<mail_service> submission_by(const conf::config& config, mail_security security,
                                          const std::string& domain) {
    for (const auto& row : config.listeners) {
        const bool implicit = row.tls == conf::tls_mode::implicit;
        if (row.role != conf::listener_role::submission || row.tls == conf::tls_mode::off) continue;
        if (implicit != (security == mail_security::tls)) continue;
        const auto at = std::ranges::find_if(row.addresses, [](const auto& one) { return one.port != 0; });
        if (at == row.addresses.end()) continue;
        // A domain too long for the template has the listener's own name, which its certificate should have.
        const auto host =
            config.autoconfig.host.empty() ? std::nullopt : host_for(config.autoconfig.host, domain);
        return mail_service{mail_protocol::smtp, security, host.value_or(row.hostname), at->port};
    }
    return std::nullopt;
}

void add_reading(std::vector<mail_service>& services, mail_protocol protocol, const std::string& setting,
                 const std::string& domain) {
    constexpr std::uint16_t imap = 143, pop3 = 110; // RFC 8314 §3.1: the ports that begin in plain text
    const auto server = conf::parse_mail_server(setting);
    if (!server) return;
    const auto host = host_for(server->host, domain);
    if (!host) return;
    const bool plain_first = server->port == (protocol == mail_protocol::imap ? imap : pop3);
    services.push_back(
        {protocol, plain_first ? mail_security::starttls : mail_security::tls, *host, server->port});
}

} // namespace

std::optional<std::string> host_for(std::string_view host_template, std::string_view domain) {
    std::string host(host_template);
    replace_all(host, "{domain--}", in_one_label(domain));
    replace_all(host, "{domain}", domain);
    if (host.empty() || host.size() > host_max || !protocol::dns_name::parse(host)) return std::nullopt;
    return host;
}

client_settings client_settings_of(const conf::config& config, const std::string& domain,
                                   std::string_view mailboxes) {
    client_settings made;
    made.domain = domain;
    made.login = mailboxes == domain ? "%EMAILADDRESS%" : "%EMAILLOCALPART%@" + std::string(mailboxes);
    made.name = config.autoconfig.name.empty() ? domain : config.autoconfig.name;
    add_reading(made.services, mail_protocol::imap, config.autoconfig.imap, domain);
    add_reading(made.services, mail_protocol::pop3, config.autoconfig.pop3, domain);
    for (const auto security : {mail_security::tls, mail_security::starttls})
        if (auto sending = submission_by(config, security, domain))
            made.services.push_back(std::move(*sending));
    return made;
}

} // namespace postern::policy

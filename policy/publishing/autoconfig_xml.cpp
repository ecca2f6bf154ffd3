// https://www.bucksch.org/1/projects/thunderbird/autoconfiguration/config-file-format.html, version 1.1.
#include "policy/publishing/client_settings.hpp"

#include <fmt/format.h>

namespace postern::policy {

namespace {

std::string escaped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        switch (c) {
        case '&': made += "&amp;"; break;
        case '<': made += "&lt;"; break;
        case '>': made += "&gt;"; break;
        case '"': made += "&quot;"; break;
        case '\'': made += "&apos;"; break;
        default: made += c;
        }
    }
    return made;
}

std::string_view name_of(mail_protocol protocol) {
    switch (protocol) {
    case mail_protocol::smtp: return "smtp";
    case mail_protocol::imap: return "imap";
    case mail_protocol::pop3: return "pop3";
    }
    return {};
}

// "password-cleartext" is PLAIN or LOGIN inside TLS. "password-encrypted" would be CRAM-MD5 to most clients,
// which is not offered; those that know SCRAM find it in the EHLO reply.
void add_service(std::string& into, const mail_service& one, const std::string& login) {
    const auto element = one.protocol == mail_protocol::smtp ? "outgoingServer" : "incomingServer";
    fmt::format_to(std::back_inserter(into),
                   "    <{0} type=\"{1}\">\n"
                   "      <hostname>{2}</hostname>\n"
                   "      <port>{3}</port>\n"
                   "      <socketType>{4}</socketType>\n"
                   "      <username>{5}</username>\n"
                   "      <authentication>password-cleartext</authentication>\n"
                   "    </{0}>\n",
                   element, name_of(one.protocol), escaped(one.host), one.port,
                   one.security == mail_security::tls ? "SSL" : "STARTTLS", escaped(login));
}

} // namespace

std::string autoconfig_xml(const client_settings& settings) {
    auto made = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<clientConfig version=\"1.1\">\n"
                            "  <emailProvider id=\"{0}\">\n"
                            "    <domain>{0}</domain>\n"
                            "    <displayName>{1}</displayName>\n"
                            "    <displayShortName>{1}</displayShortName>\n",
                            escaped(settings.domain), escaped(settings.name));
    for (const auto& one : settings.services) add_service(made, one, settings.login);
    return made + "  </emailProvider>\n</clientConfig>\n";
}

} // namespace postern::policy

#include "server/admin/autoconfig_page.hpp"

#include "policy/publishing/client_settings.hpp"
#include "protocol/smtp/grammar.hpp"
#include "storage/resolve.hpp"

namespace postern::server {

namespace {

constexpr std::string_view xml = "text/xml; charset=utf-8";
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

std::string canonical(std::string_view domain) {
    auto read = protocol::canonical_domain(domain, protocol::unicode::allow);
    return read ? std::move(*read) : std::string();
}

std::string domain_in(std::string_view host) {
    constexpr std::string_view prefix = "autoconfig.";
    auto domain = canonical(host_name(host));
    return domain.starts_with(prefix) ? domain.substr(prefix.size()) : domain;
}

// "" = none. An address goes before the host: one web server may answer for many domains.
std::string domain_asked_for(const http_request& request) {
    const auto fields = parse_form(request.query);
    const auto address = fields.find("emailaddress");
    if (address == fields.end() || address->second.empty()) return domain_in(request.host);
    const auto at = address->second.rfind('@');
    return at == std::string::npos ? std::string()
                                   : canonical(std::string_view(address->second).substr(at + 1));
}

} // namespace

std::optional<http_answer> autoconfig_answer(const http_request& request, const conf::config& config,
                                             const storage::directory& accounts) {
    if (request.path != "/.well-known/autoconfig/mail/config-v1.1.xml" &&
        request.path != "/mail/config-v1.1.xml")
        return std::nullopt;
    const http_answer none{404, plain_text, "Not Found\n"};
    const auto domain = domain_asked_for(request);
    if (domain.empty()) return none;
    const auto mailboxes = storage::real_domain(accounts, domain);
    if (!mailboxes) return http_answer{503, plain_text, "Service Unavailable\n"};
    if (!*mailboxes) return none;
    return http_answer{200, xml,
                       policy::autoconfig_xml(policy::client_settings_of(config, domain, **mailboxes))};
}

std::optional<http_answer> autoconfig_page::answer(const http_request& request) {
    return autoconfig_answer(request, *current_.get()->config, accounts_);
}

} // namespace postern::server

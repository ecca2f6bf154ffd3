#include "server/admin/autoconfig_page.hpp"

#include "policy/publishing/client_settings.hpp"
#include "protocol/smtp/grammar.hpp"
#include "storage/resolve.hpp"

#include <algorithm>

namespace postern::server {

namespace {

constexpr std::string_view xml = "text/xml; charset=utf-8";
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

// RFC 3986 §2.1; a "%" that begins nothing stays.
std::string decoded(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const int high = text[at] == '%' && at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
        const int low = high < 0 ? -1 : hex_value(text[at + 2]);
        made += low < 0 ? text[at] : static_cast<char>(high * 16 + low);
        if (low >= 0) at += 2;
    }
    return made;
}

std::optional<std::string> value_in(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto one = query.substr(0, end);
        const auto equals = one.find('=');
        if (one.substr(0, equals) == name && equals != std::string_view::npos)
            return decoded(one.substr(equals + 1));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return std::nullopt;
}

std::string canonical(std::string_view domain) {
    auto read = protocol::canonical_domain(domain, protocol::unicode::allow);
    return read ? std::move(*read) : std::string();
}

std::string domain_in(std::string_view host) {
    const auto colon = host.find(':');
    auto domain = canonical(host.substr(0, colon));
    constexpr std::string_view prefix = "autoconfig.";
    return domain.starts_with(prefix) ? domain.substr(prefix.size()) : domain;
}

// "" = none. An address of a domain goes before the host: one web server may answer for many domains.
std::string domain_asked_for(std::string_view query, std::string_view host) {
    const auto address = value_in(query, "emailaddress");
    if (!address || address->empty()) return domain_in(host);
    const auto at = address->rfind('@');
    return at == std::string::npos ? std::string() : canonical(std::string_view(*address).substr(at + 1));
}

} // namespace

std::optional<http_answer> autoconfig_answer(std::string_view path, std::string_view query,
                                             std::string_view host, const conf::config& config,
                                             const storage::directory& accounts) {
    if (path != "/.well-known/autoconfig/mail/config-v1.1.xml" && path != "/mail/config-v1.1.xml")
        return std::nullopt;
    const http_answer none{404, plain_text, "Not Found\n"};
    const auto domain = domain_asked_for(query, host);
    if (domain.empty()) return none;
    const auto mailboxes = storage::real_domain(accounts, domain);
    if (!mailboxes) return http_answer{503, plain_text, "Service Unavailable\n"};
    if (!*mailboxes) return none;
    return http_answer{200, xml,
                       policy::autoconfig_xml(policy::client_settings_of(config, domain, **mailboxes))};
}

} // namespace postern::server

#include "policy/publishing/records.hpp"

#include "policy/publishing/client_settings.hpp"
#include "policy/publishing/record_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {

namespace {

using protocol::dns_name;
using protocol::dns_type;

constexpr std::uint16_t mx_port = 25;

// A host that takes mail from other servers.
struct mail_host {
    std::string name;
    unsigned preference = 0;
    bool has_tls = false;
};

// In the order in which a server tries them: the first MX, the one that greylists, and the one that answers
// "later" to all. Listeners that share a host name are one host.
std::vector<mail_host> mail_hosts_of(const conf::config& config) {
    using enum conf::listener_role;
    std::vector<mail_host> hosts;
    unsigned preference = 0;
    for (const auto role : {mx, secondary, tempfail}) {
        preference += 10;
        for (const auto& row : config.listeners) {
            if (row.role != role) continue;
            const bool has_tls = row.tls != conf::tls_mode::off;
            const auto known = std::ranges::find(hosts, row.hostname, &mail_host::name);
            if (known == hosts.end())
                hosts.push_back({row.hostname, preference, has_tls});
            else
                known->has_tls = known->has_tls || has_tls;
        }
    }
    return hosts;
}

class plan {
  public:
    plan(const conf::config& config, const tls::published_keys& keys, key_origin origin,
         const std::string& domain)
        : config_(config), keys_(keys), origin_(origin), domain_(domain), hosts_(mail_hosts_of(config)) {}

    void add_mx();
    void add_spf();
    void add_sts();
    void add_tlsa();
    void add_clients(const client_settings& settings);
    void add_addresses(const client_settings& settings);

    publication made;

  private:
    // Null when the name can't be one: then there is nothing to publish, and that was said.
    wanted_records* want(record_purpose what, std::string_view below, std::string_view host, dns_type type);
    void leave_out(record_purpose what, std::string name, std::string_view type, std::string why);
    void add_key(const mail_host& host);
    void add_service(const mail_service& one);
    void add_web_host();
    std::string certificate_note(std::string_view host) const;

    const conf::config& config_;
    const tls::published_keys& keys_;
    const key_origin origin_;
    const std::string& domain_;
    const std::vector<mail_host> hosts_;
};

wanted_records* plan::want(record_purpose what, std::string_view below, std::string_view host,
                           dns_type type) {
    const auto text = below.empty() ? std::string(host) : fmt::format("{}.{}", below, host);
    const auto name = dns_name::parse(text, protocol::dns_escapes::none);
    if (!name) {
        leave_out(what, text + ".", type_text(type), "is too long for DNS");
        return nullptr;
    }
    auto& one = made.wanted.emplace_back();
    one.what = what;
    one.name = *name;
    one.type = type;
    return &one;
}

void plan::leave_out(record_purpose what, std::string name, std::string_view type, std::string why) {
    auto& one = made.left_out.emplace_back();
    one.what = what;
    one.state = record_state::left_out;
    one.name = std::move(name);
    one.type = type;
    one.note = std::move(why);
}

void plan::add_mx() {
    if (hosts_.empty())
        return leave_out(record_purpose::mx, domain_ + ".", "MX", "no listener takes mail of other servers");
    auto* set = want(record_purpose::mx, "", domain_, dns_type::mx);
    if (set == nullptr) return;
    for (const auto& host : hosts_)
        if (const auto name = dns_name::parse(host.name))
            set->records.exchangers.push_back({static_cast<std::uint16_t>(host.preference), *name});
}

// Mail leaves with the server's name and from its addresses, which those of the MX hosts need not be.
void plan::add_spf() {
    auto* set = want(record_purpose::spf, "", domain_, dns_type::txt);
    if (set == nullptr) return;
    std::string text = "v=spf1";
    if (!hosts_.empty()) text += " mx";
    if (std::ranges::find(hosts_, config_.server.hostname, &mail_host::name) == hosts_.end())
        text += " a:" + config_.server.hostname;
    set->records.texts.push_back(text + " -all");
}

void plan::add_sts() {
    leave_out(record_purpose::mta_sts, "_mta-sts." + domain_ + ".", "TXT",
              "this server serves no MTA-STS policy");
}

void plan::add_key(const mail_host& host) {
    constexpr std::uint8_t usage = 3, selector = 1, sha256 = 1; // DANE-EE, SPKI (RFC 7672 §3.1.1)
    const auto below = fmt::format("_{}._tcp", mx_port);
    const auto digests = keys_.digests_for(host.name);
    const auto name = fmt::format("{}.{}.", below, host.name);
    if (!host.has_tls) return leave_out(record_purpose::tlsa, name, "TLSA", "its listeners offer no TLS");
    if (digests.empty())
        return leave_out(record_purpose::tlsa, name, "TLSA",
                         origin_ == key_origin::none_yet
                             ? "the server makes its own certificate when it starts for the first time"
                             : "no certificate can be read");
    auto* set = want(record_purpose::tlsa, below, host.name, dns_type::tlsa);
    if (set == nullptr) return;
    for (const auto& digest : digests)
        set->records.tlsa.push_back({usage, selector, sha256, {digest.begin(), digest.end()}});
    for (const auto& digest : keys_.next_digests_for(host.name)) {
        protocol::tlsa_record next{usage, selector, sha256, {digest.begin(), digest.end()}};
        if (std::ranges::find(set->records.tlsa, next) != set->records.tlsa.end()) continue;
        set->records.tlsa.push_back(std::move(next));
        set->note = "that of the next key too";
    }
    if (origin_ == key_origin::self_made) set->note = "of the certificate that the server made itself";
}

void plan::add_tlsa() {
    for (const auto& host : hosts_) add_key(host);
}

std::string_view service_name(const mail_service& one) {
    const bool tls = one.security == mail_security::tls;
    switch (one.protocol) {
    case mail_protocol::smtp: return tls ? "_submissions._tcp" : "_submission._tcp"; // RFC 8314 §5.1
    case mail_protocol::imap: return tls ? "_imaps._tcp" : "_imap._tcp";             // RFC 6186 §3.2
    case mail_protocol::pop3: return tls ? "_pop3s._tcp" : "_pop3._tcp";
    }
    return {};
}

void plan::add_service(const mail_service& one) {
    constexpr std::uint16_t second = 10; // RFC 6186 §3.3: IMAP before POP3
    auto* set = want(record_purpose::client, service_name(one), domain_, dns_type::srv);
    const auto target = dns_name::parse(one.host);
    if (set == nullptr || !target) return;
    const std::uint16_t priority = one.protocol == mail_protocol::pop3 ? second : 0;
    set->records.services.push_back({priority, 1, one.port, *target});
}

// "https://mail.example.net:8443/identity" -> "mail.example.net"; "" when it has none.
std::string host_in(std::string_view url) {
    const auto begin = url.find("://");
    if (begin == std::string_view::npos) return {};
    const auto host = url.substr(begin + 3);
    if (host.starts_with('[')) return {};
    const std::string name(host.substr(0, host.find_first_of(":/")));
    return protocol::ip_address::parse(name) ? std::string() : name;
}

void plan::add_web_host() {
    const auto host =
        config_.autoconfig.web_host.empty() ? host_in(config_.identity.url) : config_.autoconfig.web_host;
    const auto target = dns_name::parse(host, protocol::dns_escapes::none);
    if (host.empty() || !target)
        return leave_out(record_purpose::client, fmt::format("autoconfig.{}.", domain_), "CNAME",
                         "autoconfig.web_host names no web server for it");
    auto* set = want(record_purpose::client, "autoconfig", domain_, dns_type::a);
    if (set == nullptr) return;
    set->how = wanted_records::kind::alias;
    set->target = *target;
}

void plan::add_clients(const client_settings& settings) {
    bool sends = false;
    for (const auto& one : settings.services) {
        add_service(one);
        sends = sends || one.protocol == mail_protocol::smtp;
    }
    if (!sends)
        leave_out(record_purpose::client, fmt::format("_submissions._tcp.{}.", domain_), "SRV",
                  "no submission listener has TLS and a port");
    add_web_host();
}

// Clients, unlike other mail servers, insist on the name.
std::string plan::certificate_note(std::string_view host) const {
    if (origin_ != key_origin::configured) return "has no certificate that mail clients trust";
    return keys_.has_name(host) ? std::string() : "no certificate has this name: mail clients will warn";
}

void plan::add_addresses(const client_settings& settings) {
    std::vector<std::string> said;
    const auto add = [&](const std::string& host, std::string note) {
        if (std::ranges::find(said, host) != said.end()) return;
        said.push_back(host);
        auto* set = want(record_purpose::address, "", host, dns_type::a);
        if (set == nullptr) return;
        set->how = wanted_records::kind::address;
        set->note = std::move(note);
    };
    for (const auto& one : settings.services)
        if (one.protocol == mail_protocol::smtp) add(one.host, certificate_note(one.host));
    for (const auto& host : hosts_) add(host.name, "");
    for (const auto& one : settings.services) add(one.host, "");
}

} // namespace

publication records_to_publish(const conf::config& config, const tls::published_keys& keys, key_origin origin,
                               const std::string& domain, std::string_view mailboxes) {
    const auto settings = client_settings_of(config, domain, mailboxes);
    plan whole(config, keys, origin, domain);
    whole.add_mx();
    whole.add_spf();
    whole.add_sts();
    whole.add_tlsa();
    whole.add_clients(settings);
    whole.add_addresses(settings);
    return std::move(whole.made);
}

} // namespace postern::policy

// From the name asked for along its aliases, in whatever order they stand, to the records at their end.
// Records of any other owner are not an answer to us, however well they look.
#include "protocol/dns/conclude.hpp"

#include <algorithm>
#include <optional>

namespace postern::protocol {
namespace {

struct path {
    std::vector<dns_name> names; // the name asked for, then each alias' target
    std::uint32_t ttl = dns_ttl_max;

    const dns_name& end() const { return names.back(); }
    std::size_t followed() const { return names.size() - 1; }
};

template <class T> bool has(const std::vector<T>& owned, const dns_name& owner) {
    return std::any_of(owned.begin(), owned.end(), [&](const T& one) { return one.owner == owner; });
}

// Goes one alias further; false at the end.
result<bool, dns_trouble> step(path& so_far, const dns_findings& findings) {
    const dns_name owner = so_far.end();
    // RFC 1034 §3.6.2 has no alias beside records; where there is one, the records are what was asked for.
    if (has(findings.records, owner)) return false;
    const dns_name* target = nullptr;
    for (const auto& alias : findings.aliases) {
        if (alias.owner != owner) continue;
        if (target != nullptr && *target != alias.target) return dns_trouble::malformed;
        target = &alias.target;
        so_far.ttl = std::min(so_far.ttl, alias.ttl);
    }
    if (target == nullptr) return false;
    if (std::find(so_far.names.begin(), so_far.names.end(), *target) != so_far.names.end())
        return dns_trouble::alias_loop;
    if (so_far.followed() == dns_aliases_max) return dns_trouble::too_many_aliases;
    so_far.names.push_back(*target);
    return true;
}

result<path, dns_trouble> follow(const dns_findings& findings, const dns_name& asked) {
    path made{{asked}};
    while (true) {
        const auto further = step(made, findings);
        if (!further) return further.error();
        if (!*further) return made;
    }
}

// An SOA of a zone in which the name can't lie says nothing about it.
std::optional<std::uint32_t> time_absent(const dns_findings& findings, const dns_name& name) {
    std::optional<std::uint32_t> least;
    for (const auto& zone : findings.zones)
        if (lies_in(name, zone.owner)) least = std::min(least.value_or(zone.ttl), zone.ttl);
    return least;
}

dns_answer taken(const dns_findings& findings, dns_type type, const path& way) {
    dns_found found{{}, way.end(), way.ttl, findings.authenticated};
    for (const auto& record : findings.records) {
        if (record.owner != way.end()) continue;
        if (!add_record(found.records, type, record.rdata)) return dns_later{dns_trouble::malformed};
        found.ttl = std::min(found.ttl, record.ttl);
    }
    return found;
}

// RFC 2308 §2: NXDOMAIN is about the end of the aliases (RFC 6604 §3); NODATA has an SOA, or nothing at all;
// name servers without an SOA are a referral.
dns_answer nothing_there(const dns_findings& findings, const path& way) {
    const auto time = time_absent(findings, way.end());
    const std::uint32_t ttl = std::min(way.ttl, time.value_or(0));
    if (findings.rcode == dns_rcode_no_name)
        return dns_absent{dns_absent::kind::no_name, way.end(), ttl, findings.authenticated};
    if (time) return dns_absent{dns_absent::kind::no_data, way.end(), ttl, findings.authenticated};
    if (way.followed() != 0) return dns_alias{way.end(), way.followed(), way.ttl, findings.authenticated};
    if (findings.name_servers) return dns_later{dns_trouble::referral};
    return dns_absent{dns_absent::kind::no_data, way.end(), ttl, findings.authenticated};
}

std::optional<dns_trouble> complaint(std::uint16_t rcode) {
    if (rcode == dns_rcode_none || rcode == dns_rcode_no_name) return std::nullopt;
    if (rcode == dns_rcode_server_failure) return dns_trouble::server_failure;
    return rcode == dns_rcode_refused ? dns_trouble::refused : dns_trouble::other_rcode;
}

} // namespace

dns_answer conclude(const dns_findings& findings, const dns_question& question) {
    if (const auto trouble = complaint(findings.rcode)) return dns_later{*trouble, findings.rcode};
    const auto way = follow(findings, question.name);
    if (!way) return dns_later{way.error(), findings.rcode};
    if (!has(findings.records, way->end())) return nothing_there(findings, *way);
    // Records of a name that doesn't exist.
    if (findings.rcode == dns_rcode_no_name) return dns_later{dns_trouble::malformed, findings.rcode};
    return taken(findings, question.type, *way);
}

} // namespace postern::protocol

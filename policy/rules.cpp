#include "policy/rules.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

// A network's key: its family, its prefix, its octets.
std::string network_key(const protocol::ip_address& address, std::uint8_t prefix) {
    constexpr unsigned octet_bits = 8;
    std::string key{address.is_v4() ? '4' : '6', static_cast<char>(prefix)};
    unsigned left = prefix;
    for (const std::uint8_t octet : address.bytes()) {
        const unsigned bits = std::min(left, octet_bits);
        key += static_cast<char>(octet & (0xff00U >> bits) & 0xffU);
        left -= bits;
    }
    return key;
}

// "c.d" of "b.c.d"; "" when there is none.
std::string_view parent_of(std::string_view name) {
    const std::size_t dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

} // namespace

rule_set::rule_set(std::span<const written_rule> rules) {
    texts_.reserve(rules.size());
    for (const written_rule& written : rules) {
        auto rule = parse_rule(written.text);
        if (!rule) {
            left_out_.push_back({written.text, explain_error(rule.error(), written.text)});
        } else if (!add(written.action == rule_action::allow ? allow_ : deny_, std::move(*rule))) {
            left_out_.push_back({written.text, "too many patterns that only trying each can tell apart"});
        }
    }
}

void rule_set::add_network(action_rules& to, const protocol::cidr& network, index text) {
    const std::uint8_t prefix = network.prefix();
    auto& prefixes = network.address().is_v4() ? to.prefixes_v4 : to.prefixes_v6;
    if (std::find(prefixes.begin(), prefixes.end(), prefix) == prefixes.end()) prefixes.push_back(prefix);
    to.networks.emplace(network_key(network.address(), prefix), text);
}

bool rule_set::add(action_rules& to, rule_pattern&& rule) {
    const auto text = static_cast<index>(texts_.size());
    name_rules& names = rule.subject == rule_subject::host_name ? to.host_names : to.senders;
    switch (rule.shape) {
    case rule_shape::exact: names.exact.emplace(std::move(rule.key), text); break;
    case rule_shape::domain: names.domain.emplace(std::move(rule.key), text); break;
    case rule_shape::below: names.below.emplace(std::move(rule.key), text); break;
    case rule_shape::network: add_network(to, *rule.network, text); break;
    case rule_shape::general: {
        auto& all = rule.subject == rule_subject::client ? to.addresses : names.general;
        auto& bucket = all[std::move(rule.key)];
        if (bucket.size() == rule_bucket_max) return false;
        bucket.push_back({text, std::move(rule.local), std::move(rule.rest)});
        break;
    }
    }
    texts_.push_back(std::move(rule.text));
    return true;
}

rule_set::index rule_set::try_all(const by_key<std::vector<pattern>>& general, std::string_view key,
                                  std::string_view local, std::string_view rest) {
    const auto bucket = general.find(key);
    if (bucket == general.end()) return none;
    const std::uint64_t in_local = glob::octets_in(local);
    const std::uint64_t in_rest = glob::octets_in(rest);
    for (const pattern& one : bucket->second) {
        if (!one.rest->may_match(in_rest) || (one.local && !one.local->may_match(in_local))) continue;
        if (one.local && !one.local->matches(local)) continue;
        if (one.rest->matches(rest)) return one.text;
    }
    return none;
}

rule_set::index rule_set::find_sender(const name_rules& rules, std::string_view sender) {
    if (sender.empty()) return none;
    const std::size_t at = sender.rfind('@');
    if (at == std::string_view::npos) return none;
    const std::string_view local = sender.substr(0, at);
    const std::string_view domain = sender.substr(at + 1);
    if (const auto found = rules.exact.find(sender); found != rules.exact.end()) return found->second;
    if (const auto found = rules.domain.find(domain); found != rules.domain.end()) return found->second;
    if (!rules.below.empty())
        for (auto name = parent_of(domain); !name.empty(); name = parent_of(name))
            if (const auto found = rules.below.find(name); found != rules.below.end()) return found->second;
    if (rules.general.empty()) return none;
    for (auto name = domain; !name.empty(); name = parent_of(name))
        if (const auto found = try_all(rules.general, name, local, domain); found != none) return found;
    const auto by_local = try_all(rules.general, sender.substr(0, at + 1), local, domain);
    return by_local != none ? by_local : try_all(rules.general, "", local, domain);
}

rule_set::index rule_set::find_host_name(const name_rules& rules, std::string_view name) {
    if (name.empty()) return none;
    if (const auto found = rules.exact.find(name); found != rules.exact.end()) return found->second;
    if (!rules.below.empty())
        for (auto above = parent_of(name); !above.empty(); above = parent_of(above))
            if (const auto found = rules.below.find(above); found != rules.below.end()) return found->second;
    if (rules.general.empty()) return none;
    for (auto above = parent_of(name); !above.empty(); above = parent_of(above))
        if (const auto found = try_all(rules.general, above, {}, name); found != none) return found;
    return try_all(rules.general, "", {}, name);
}

rule_set::index rule_set::find_network(const action_rules& rules, const protocol::ip_address& client) {
    for (const std::uint8_t prefix : client.is_v4() ? rules.prefixes_v4 : rules.prefixes_v6)
        if (const auto found = rules.networks.find(network_key(client, prefix));
            found != rules.networks.end())
            return found->second;
    return none;
}

rule_set::index rule_set::find_client(const action_rules& rules, const protocol::ip_address& client) {
    const auto found = find_network(rules, client);
    if (found != none || rules.addresses.empty() || !client.is_v4()) return found;
    const std::string text = client.to_string();
    const auto by_first =
        try_all(rules.addresses, std::string_view(text).substr(0, text.find('.') + 1), {}, text);
    return by_first != none ? by_first : try_all(rules.addresses, "", {}, text);
}

const std::string* rule_set::find(rule_action action, const rule_query& query) const {
    const action_rules& rules = action == rule_action::allow ? allow_ : deny_;
    const bool name_counts = action == rule_action::deny || query.proof == host_name_proof::resolves_back;
    index found = find_sender(rules.senders, query.sender);
    if (found == none) found = find_client(rules, query.client);
    if (found == none && name_counts) found = find_host_name(rules.host_names, query.host_name);
    return found == none ? nullptr : &texts_[found];
}

std::optional<rule_ruling> rule_on(const rule_set& server, const rule_set& mailbox, const rule_query& query) {
    for (const rule_action action : {rule_action::allow, rule_action::deny}) {
        if (const auto* text = server.find(action, query))
            return rule_ruling{action, rule_scope::server, *text};
        if (const auto* text = mailbox.find(action, query))
            return rule_ruling{action, rule_scope::mailbox, *text};
    }
    return std::nullopt;
}

} // namespace postern::policy

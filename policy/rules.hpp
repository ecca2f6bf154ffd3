// Allow and deny rules of one scope (the whole server, or one mailbox), compiled so that a look-up among a
// hundred thousand takes microseconds: whole addresses, domains, names below a domain, host names and
// networks are found by a key; patterns of any other shape are tried one by one, at most rule_bucket_max that
// share a key. Immutable once built, so any number of threads may ask.
#pragma once

#include "policy/rule.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace postern::policy {

// General patterns with the same key: the labels they end with, the local part of "name@*", an IPv4 pattern's
// first number, or nothing.
inline constexpr std::size_t rule_bucket_max = 256;

struct written_rule {
    rule_action action = rule_action::deny;
    std::string text;
};

enum class host_name_proof {
    unproved,     // the client's own word: its address resolves to the name
    resolves_back // and the name to the address
};

// Views are borrowed for the call.
struct rule_query {
    std::string_view sender; // address::folded(), "" = the empty sender, which no rule about senders matches
    protocol::ip_address client;
    std::string_view host_name; // lower-case A-labels without a trailing dot, "" = none
    host_name_proof proof = host_name_proof::unproved;
};

class rule_set {
  public:
    rule_set() = default;
    explicit rule_set(std::span<const written_rule> rules);

    // The rule of this action that matches, as its author would read it again; nullptr = none. Allow rules
    // about host names match only proved ones. The text lives as long as the set.
    const std::string* find(rule_action action, const rule_query& query) const;

    // What could not be taken: no rule, or one too many of its kind. A server says so in its log.
    struct left_out_rule {
        std::string text, why;
    };
    const std::vector<left_out_rule>& left_out() const { return left_out_; }
    std::size_t size() const { return texts_.size(); }
    bool allows_host_names() const { return !allow_.host_names.empty(); }
    bool asks_host_name() const { return !allow_.host_names.empty() || !deny_.host_names.empty(); }

  private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    template <class Value> using by_key = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;
    using index = std::uint32_t; // into texts_
    static constexpr index none = UINT32_MAX;
    struct pattern {
        index text;
        std::optional<glob> local, rest;
    };
    struct name_rules {
        by_key<index> exact, domain, below;
        by_key<std::vector<pattern>> general;
        bool empty() const { return exact.empty() && domain.empty() && below.empty() && general.empty(); }
    };
    struct action_rules {
        name_rules senders, host_names;
        by_key<index> networks;
        by_key<std::vector<pattern>> addresses;
        std::vector<std::uint8_t> prefixes_v4, prefixes_v6; // that networks has, each once
    };

    bool add(action_rules& to, rule_pattern&& rule);
    void add_network(action_rules& to, const protocol::cidr& network, index text);
    static index find_sender(const name_rules& rules, std::string_view sender);
    static index find_host_name(const name_rules& rules, std::string_view name);
    static index find_client(const action_rules& rules, const protocol::ip_address& client);
    static index find_network(const action_rules& rules, const protocol::ip_address& client);
    static index try_all(const by_key<std::vector<pattern>>& general, std::string_view key,
                         std::string_view local, std::string_view rest);

    std::vector<std::string> texts_;
    action_rules allow_, deny_;
    std::vector<left_out_rule> left_out_;
};

enum class rule_scope { server, mailbox };

struct rule_ruling {
    rule_action action = rule_action::deny;
    rule_scope scope = rule_scope::server;
    std::string text; // the rule's
};

// Both scopes together. Allow beats deny, whosever rule it is: a mailbox's owner may let in what the server
// denies to all, and what the server allows no mailbox can deny. nullopt: no rule says anything.
std::optional<rule_ruling> rule_on(const rule_set& server, const rule_set& mailbox, const rule_query& query);

} // namespace postern::policy

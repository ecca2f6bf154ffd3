// Reading a rule. What can be looked up by a key is told apart from what must be matched, character by
// character.
#include "policy/rule.hpp"

#include "protocol/smtp/address.hpp"

#include <algorithm>

namespace postern::policy {
namespace {

using namespace protocol;

constexpr std::string_view wildcards = "*?";
constexpr unsigned octets_v4 = 4;
constexpr unsigned octet_bits = 8;

bool is_name_octet(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '*' || c == '?';
}

std::string_view next_label(std::string_view text, std::size_t from) {
    return text.substr(from, text.find('.', from) - from);
}

// One label in its canonical form, wildcards and the underscores of host names included.
std::optional<std::string> canonical_label(std::string_view label) {
    constexpr std::size_t label_max = 63;
    if (!is_ascii(label)) {
        if (glob::has_wildcard(label)) return std::nullopt;
        auto name = canonical_domain(label, unicode::allow);
        return name ? std::optional(std::move(*name)) : std::nullopt;
    }
    std::string name = to_lower(label);
    if (name.empty() || name.size() > label_max || !std::all_of(name.begin(), name.end(), is_name_octet))
        return std::nullopt;
    return name;
}

struct name_pattern {
    std::string text;
    std::string literal_end; // the labels behind the last one with a wildcard
};

std::optional<name_pattern> read_name(std::string_view text) {
    name_pattern name;
    for (std::size_t from = 0; from <= text.size();) {
        const std::string_view label = next_label(text, from);
        const auto canonical = canonical_label(label);
        if (!canonical) return std::nullopt;
        if (from != 0) name.text += '.';
        name.text += *canonical;
        from += label.size() + 1;
    }
    const std::size_t wild = name.text.find_last_of(wildcards);
    if (wild == std::string::npos) {
        name.literal_end = name.text;
    } else if (const std::size_t dot = name.text.find('.', wild); dot != std::string::npos) {
        name.literal_end = name.text.substr(dot + 1);
    }
    return name;
}

bool is_below(const name_pattern& name) {
    return name.text.size() == name.literal_end.size() + 2 && name.text.starts_with("*.");
}

result<rule_pattern, rule_errc> with_glob(rule_pattern rule, std::string_view pattern) {
    rule.rest = glob::compile(pattern);
    if (!rule.rest) return rule_errc::long_stretch;
    return rule;
}

std::string without_repeated_stars(std::string_view text) {
    std::string once;
    for (const char c : text)
        if (c != '*' || once.empty() || once.back() != '*') once += c;
    return once;
}

// As address::folded() writes a local part: in quotes when it needs them.
std::string folded_local(std::string_view local) {
    std::string plain;
    const bool quoted = local.size() >= 2 && local.front() == '"' && local.back() == '"';
    if (quoted) local = local.substr(1, local.size() - 2);
    for (std::size_t i = 0; i < local.size(); ++i) {
        if (quoted && local[i] == '\\' && i + 1 < local.size()) ++i;
        plain += local[i];
    }
    std::string folded = address{plain, "d"}.folded();
    folded.resize(folded.size() - 2);
    return folded;
}

// A sender with wildcards.
result<rule_pattern, rule_errc> read_sender_pattern(std::string_view local, std::string_view domain) {
    rule_pattern rule;
    std::string folded = local.empty() ? "*" : without_repeated_stars(folded_local(local));
    const bool literal_domain = !glob::has_wildcard(domain);
    name_pattern name;
    if (literal_domain) {
        auto whole =
            domain.starts_with('[') ? canonical_literal(domain) : canonical_domain(domain, unicode::allow);
        if (!whole) return rule_errc::bad_domain;
        name = {*whole, *whole};
    } else {
        auto read = read_name(domain);
        if (!read) return rule_errc::bad_domain;
        name = std::move(*read);
    }
    rule.text = folded + '@' + name.text;
    rule.key = name.literal_end;
    if (folded == "*" && (literal_domain || is_below(name))) {
        rule.shape = literal_domain ? rule_shape::domain : rule_shape::below;
        return rule;
    }
    const bool literal_local = !glob::has_wildcard(folded);
    if (literal_local && rule.key.empty()) rule.key = folded + '@';
    rule.local = glob::compile(folded);
    if (!rule.local) return rule_errc::long_stretch;
    return with_glob(std::move(rule), name.text);
}

result<rule_pattern, rule_errc> read_sender(std::string_view text) {
    const std::size_t at = text.rfind('@');
    const std::string_view local = text.substr(0, at);
    const std::string_view domain = text.substr(at + 1);
    if (domain.empty()) return rule_errc::no_domain;
    if (local.empty() || glob::has_wildcard(text)) return read_sender_pattern(local, domain);
    const auto mailbox = parse_address(text);
    if (!mailbox)
        return mailbox.error().what == parse_errc::bad_domain ? rule_errc::bad_domain : rule_errc::bad_sender;
    rule_pattern rule;
    rule.shape = rule_shape::exact;
    rule.text = rule.key = mailbox->folded();
    return rule;
}

rule_pattern network_rule(std::string text, const cidr& network) {
    rule_pattern rule;
    rule.subject = rule_subject::client;
    rule.shape = rule_shape::network;
    rule.text = std::move(text);
    rule.network = network;
    return rule;
}

result<rule_pattern, rule_errc> read_network(std::string_view text) {
    if (const auto network = cidr::parse(text)) {
        const bool whole = text.find('/') == std::string_view::npos;
        return network_rule(whole ? ip_address::parse(text)->to_string() : network->to_string(), *network);
    }
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos)
        return glob::has_wildcard(text) ? rule_errc::v6_wildcard : rule_errc::bad_address;
    const bool has_address = ip_address::parse(text.substr(0, slash)).has_value();
    const std::string zero = text.find(':') == std::string_view::npos ? "0.0.0.0" : "::";
    const bool has_length = cidr::parse(zero + std::string(text.substr(slash))).has_value();
    return has_address && has_length ? rule_errc::host_bits : rule_errc::bad_network;
}

// "12.12.*.*" and "12.12.*" are networks.
std::optional<cidr> network_of(std::span<const std::string_view> labels) {
    std::size_t literal = 0;
    while (literal < labels.size() && !glob::has_wildcard(labels[literal])) ++literal;
    const auto only_stars = [](std::string_view label) { return label == "*"; };
    const auto rest = labels.subspan(literal);
    if (rest.empty() || !std::all_of(rest.begin(), rest.end(), only_stars)) return std::nullopt;
    std::string text;
    for (std::size_t i = 0; i < octets_v4; ++i) {
        if (i != 0) text += '.';
        text += i < literal ? labels[i] : "0";
    }
    return cidr::parse(text + '/' + std::to_string(literal * octet_bits));
}

result<rule_pattern, rule_errc> read_v4_pattern(std::string_view text) {
    std::vector<std::string_view> labels;
    for (std::size_t from = 0; from <= text.size(); from += labels.back().size() + 1) {
        labels.push_back(next_label(text, from));
        const std::string_view label = labels.back();
        const bool literal = !glob::has_wildcard(label);
        if (literal && !ip_address::parse("0.0.0." + std::string(label))) return rule_errc::bad_address;
    }
    if (labels.size() > octets_v4) return rule_errc::bad_address;
    if (labels.size() < octets_v4 && text.find('*') == std::string_view::npos) return rule_errc::bad_address;
    if (const auto network = network_of(labels)) return network_rule(std::string(text), *network);
    rule_pattern rule;
    rule.subject = rule_subject::client;
    rule.text = text;
    if (!glob::has_wildcard(labels.front())) rule.key = std::string(labels.front()) + '.';
    return with_glob(std::move(rule), text);
}

result<rule_pattern, rule_errc> read_host_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    const auto name = read_name(text);
    if (!name) return is_ascii(text) ? rule_errc::not_host_name : rule_errc::bad_domain;
    rule_pattern rule;
    rule.subject = rule_subject::host_name;
    rule.text = name->text;
    rule.key = name->literal_end;
    rule.shape = !glob::has_wildcard(name->text) ? rule_shape::exact
                 : is_below(*name)               ? rule_shape::below
                                                 : rule_shape::general;
    if (rule.shape != rule_shape::general) return rule;
    return with_glob(std::move(rule), name->text);
}

bool is_v4_pattern(std::string_view text) {
    return text.find_first_not_of("0123456789.*?") == std::string_view::npos &&
           std::any_of(text.begin(), text.end(), is_digit);
}

std::optional<rule_errc> refuse_octets(std::string_view text) {
    if (text.empty()) return rule_errc::empty;
    if (text.size() > rule_pattern_max) return rule_errc::too_long;
    if (!is_printable(text) || text.find(' ') != std::string_view::npos) return rule_errc::control;
    return std::nullopt;
}

result<rule_pattern, rule_errc> read(std::string_view text) {
    if (text.find('@') != std::string_view::npos) return read_sender(text);
    if (text.find_first_of("/:") != std::string_view::npos) return read_network(text);
    if (!is_v4_pattern(text)) return read_host_name(text);
    return glob::has_wildcard(text) ? read_v4_pattern(text) : read_network(text);
}

} // namespace

// What is kept of a rule is its text, so that must be read as itself again: folded or as A-labels it may have
// grown beyond a limit.
result<rule_pattern, rule_errc> parse_rule(std::string_view text) {
    if (const auto refused = refuse_octets(text)) return *refused;
    auto rule = read(without_repeated_stars(text));
    if (!rule || rule->text == text) return rule;
    if (rule->text.size() > rule_pattern_max) return rule_errc::too_long;
    const auto again = read(rule->text);
    if (!again || again->text != rule->text) return rule_errc::too_long;
    return rule;
}

result<rule_pattern, rule_errc> parse_sender_pattern(std::string_view text) {
    if (text.empty() || text.find('@') != std::string_view::npos) return parse_rule(text);
    return parse_rule("@" + std::string(text));
}

void throw_exception_from_error(rule_errc /*error*/, const boost::source_location& /*where*/) {
    std::abort();
}

} // namespace postern::policy

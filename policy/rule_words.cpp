// What a rule says, in words for the person who wrote it.
#include "policy/rule.hpp"

#include "protocol/smtp/grammar.hpp"

#include <fmt/format.h>

namespace postern::policy {
namespace {

constexpr std::size_t quoted_max = 80;

bool matches_everything(const rule_pattern& rule) {
    switch (rule.subject) {
    case rule_subject::sender: return rule.text == "*@*";
    case rule_subject::client: return rule.network && rule.network->to_string().ends_with("/0");
    case rule_subject::host_name: return rule.text.find_first_not_of('*') == std::string::npos;
    }
    return false;
}

std::string explain_sender(const rule_pattern& rule) {
    switch (rule.shape) {
    case rule_shape::exact: return fmt::format("the sender {}", rule.key);
    case rule_shape::domain: return fmt::format("every sender at {}, not below it", rule.key);
    case rule_shape::below: return fmt::format("every sender at any name below {}, not at itself", rule.key);
    case rule_shape::network:
    case rule_shape::general: break;
    }
    return fmt::format("every sender that looks like {}", rule.text);
}

std::string explain_host_name(const rule_pattern& rule) {
    switch (rule.shape) {
    case rule_shape::exact: return fmt::format("clients with the host name {}, not names below it", rule.key);
    case rule_shape::below: return fmt::format("clients with a host name below {}, not itself", rule.key);
    case rule_shape::domain:
    case rule_shape::network:
    case rule_shape::general: break;
    }
    return fmt::format("clients with a host name that looks like {}", rule.text);
}

} // namespace

std::string explain_match(const rule_pattern& rule) {
    switch (rule.subject) {
    case rule_subject::sender: return explain_sender(rule);
    case rule_subject::client:
        if (rule.network) return fmt::format("clients in {}", rule.network->to_string());
        return fmt::format("clients with an IPv4 address that looks like {}", rule.text);
    case rule_subject::host_name: return explain_host_name(rule);
    }
    return {};
}

std::string rule_warning(const rule_pattern& rule, rule_action action) {
    if (matches_everything(rule)) {
        if (rule.subject == rule_subject::sender)
            return rule.text + " matches every sender but the empty one";
        if (rule.subject == rule_subject::client) return rule.text + " matches every client of its family";
        return rule.text + " matches every client that has a host name, and no other";
    }
    if (rule.subject != rule_subject::host_name) return {};
    std::string warning =
        fmt::format("{0} has no @: this is a host name, not a sender; for senders write @{0}", rule.text);
    if (action == rule_action::allow)
        warning += "; it counts only where the name resolves back to the client";
    return warning;
}

std::string explain_error(rule_errc error, std::string_view text) {
    const std::string shown = protocol::printable(text, quoted_max);
    switch (error) {
    case rule_errc::empty: return "a rule needs a sender, an address or a host name";
    case rule_errc::too_long: return fmt::format("{}: a rule has {} octets at most", shown, rule_pattern_max);
    case rule_errc::control:
        return fmt::format("{}: a rule holds no blank and no control character; ? stands for any one", shown);
    case rule_errc::no_domain:
        return fmt::format("{} has nothing after the @; for every domain write {}*", shown, shown);
    case rule_errc::bad_sender: return fmt::format("{} is no address", shown);
    case rule_errc::bad_domain:
        return fmt::format(
            "{}: the domain has a label that can't be; a label with letters beyond ASCII takes "
            "no wildcard",
            shown);
    case rule_errc::bad_network:
        return fmt::format("{} is no network; write 192.0.2.0/24 or 2001:db8::/32", shown);
    case rule_errc::host_bits:
        return fmt::format("{} has bits behind the prefix; write the network's first address", shown);
    case rule_errc::v6_wildcard:
        return fmt::format("{}: an IPv6 address takes no wildcard; write 2001:db8::/32", shown);
    case rule_errc::bad_address:
        return fmt::format("{} is no address; write 192.0.2.1, 192.0.*.* or 192.0.2.0/24", shown);
    case rule_errc::long_stretch:
        return fmt::format("{}: at most {} characters may stand between two *", shown, glob_stretch_max);
    case rule_errc::not_host_name:
        return fmt::format("{} is no host name, and no sender without an @", shown);
    }
    return {};
}

} // namespace postern::policy

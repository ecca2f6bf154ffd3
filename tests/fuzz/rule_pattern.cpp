// Rules: whatever is read as a rule has one spelling that is read as itself, says what it matches, is found
// by its key exactly when the plain model of its text says so, and never takes the process down. The input is
// a rule, a sender, an address and a host name, a line each.
#include "policy/rules.hpp"
#include "protocol/smtp/address.hpp"
#include "protocol/smtp/grammar.hpp"
#include "tests/fuzz/split.hpp"
#include "tests/support/glob_model.hpp"

using namespace postern::policy;
using namespace postern::protocol;
using namespace postern::fuzz;
using postern::testing::glob_model;

namespace {

std::vector<std::string> lines_of(std::string_view input) {
    std::vector<std::string> lines;
    for (std::size_t from = 0; from <= input.size() && lines.size() < 4; from += lines.back().size() + 1)
        lines.emplace_back(input.substr(from, input.find('\n', from) - from));
    lines.resize(4);
    return lines;
}

bool model(const rule_pattern& rule, const rule_query& query) {
    const std::string_view text = rule.text;
    switch (rule.subject) {
    case rule_subject::sender: {
        const std::size_t at = text.rfind('@');
        const std::size_t sender_at = query.sender.rfind('@');
        return sender_at != std::string_view::npos &&
               glob_model(text.substr(0, at), query.sender.substr(0, sender_at)) &&
               glob_model(text.substr(at + 1), query.sender.substr(sender_at + 1));
    }
    case rule_subject::client:
        if (text.find('/') != std::string_view::npos) return rule.network->contains(query.client);
        return query.client.is_v4() == (text.find(':') == std::string_view::npos) &&
               glob_model(text, query.client.to_string());
    case rule_subject::host_name: return !query.host_name.empty() && glob_model(text, query.host_name);
    }
    return false;
}

void check_rule(std::string_view text, const rule_query& query) {
    const auto rule = parse_rule(text);
    if (!rule) {
        require(!explain_error(rule.error(), text).empty());
        return;
    }
    require(rule->text.size() <= rule_pattern_max && !explain_match(*rule).empty());
    (void)rule_warning(*rule, rule_action::allow);
    const auto again = parse_rule(rule->text);
    require(again.has_value() && again->text == rule->text && again->key == rule->key &&
            again->shape == rule->shape && again->subject == rule->subject);
    const std::vector<written_rule> one{{rule_action::deny, std::string(text)}};
    const rule_set set(one);
    require(set.left_out().empty());
    require((set.find(rule_action::deny, query) != nullptr) == model(*rule, query));
    require(set.find(rule_action::allow, query) == nullptr);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto lines = lines_of(as_text(data, size));
    const auto sender = parse_address(lines[1]);
    const auto name = canonical_domain(lines[3], unicode::allow);
    const std::string folded = sender ? sender->folded() : "";
    const std::string host_name = name ? *name : "";
    const auto client = ip_address::parse(lines[2]).value_or(ip_address());
    check_rule(lines[0], {folded, client, host_name, host_name_proof::resolves_back});
    (void)parse_sender_pattern(lines[0]);
    const auto pattern = glob::compile(lines[0]);
    if (pattern && is_valid_utf8(lines[0]) && is_valid_utf8(lines[1]))
        require(pattern->matches(lines[1]) == glob_model(lines[0], lines[1]));
    else if (pattern)
        (void)pattern->matches(lines[1]);
    return 0;
}

// postern rule: who is always let in and who never, for everybody or for one mailbox. What is written is a
// rule's one spelling, so that one rule is never there twice.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include "policy/rule.hpp"
#include "storage/tables/rules.hpp"

#include <ctime>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

// Every pattern that parses can be kept.
static_assert(policy::rule_pattern_max <= storage::rule_text_max);

// --mailbox as it is stored; "" without it: the whole server.
exit_code read_scope(const arguments& given, std::string& mailbox, terminal& with) {
    if (!given.has("--mailbox")) return exit_code::ok;
    const std::string text = given.one("--mailbox");
    const auto address = protocol::parse_address(text);
    if (!address) return fail(with, exit_code::bad_data, text, describe(address.error()));
    mailbox = address->folded();
    return exit_code::ok;
}

exit_code check_mailbox(const std::string& mailbox, const storage::directory& tables, terminal& with) {
    if (mailbox.empty()) return exit_code::ok;
    const auto known = tables.find_mailbox(mailbox);
    if (!known) return fail(with, mailbox, known.error());
    if (!*known) return fail(with, exit_code::no_user, mailbox, "there is no such mailbox");
    return exit_code::ok;
}

std::string scope_name(const std::string& mailbox) { return mailbox.empty() ? "server" : shown(mailbox); }

std::string_view action_name(storage::kept_action action) {
    return action == storage::kept_action::allow ? "allow" : "deny";
}

// Of a rule that is kept already. One that another version or an import wrote may be none here.
std::string matches_text(const std::string& pattern) {
    const auto rule = policy::parse_rule(pattern);
    return shown(rule ? policy::explain_match(*rule)
                      : "nothing: " + policy::explain_error(rule.error(), pattern));
}

void print_json(const std::vector<storage::rule_record>& records, std::ostream& out) {
    json_list list(out, "rules");
    for (const auto& record : records)
        list.add({{"mailbox", shown(record.mailbox)},
                  {"action", action_name(record.action)},
                  {"pattern", shown(record.pattern)},
                  {"matches", matches_text(record.pattern)},
                  {"created", record.created}});
    list.end();
}

void print_table(const std::vector<storage::rule_record>& records, std::ostream& out) {
    text_table table({"SCOPE", "ACTION", "PATTERN", "MATCHES"});
    for (const auto& record : records)
        table.add({scope_name(record.mailbox), std::string(action_name(record.action)), shown(record.pattern),
                   matches_text(record.pattern)});
    table.print(out);
}

// The rules of the whole server or of one mailbox, for list and remove. `code` is not ok after its error was
// said.
struct opened_scope {
    std::shared_ptr<const conf::config> settings;
    std::string mailbox;
    std::optional<open_rules> rules;
    exit_code code = exit_code::config;

    opened_scope(const arguments& given, terminal& with) : settings(read_config(given, with)) {
        if (settings) code = read_scope(given, mailbox, with);
        if (code != exit_code::ok) return;
        rules.emplace(*settings, with);
        code = rules->code;
    }
};

exit_code tell_full(const std::string& mailbox, terminal& with) {
    const auto most = mailbox.empty() ? storage::server_rules_max : storage::mailbox_rules_max;
    return fail(with, exit_code::bad_data, scope_name(mailbox),
                fmt::format("has {} rules already, no more are kept (postern rule remove)", most));
}

} // namespace

exit_code run_rule_add(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const std::string text = given.one("PATTERN");
    const auto rule = policy::parse_rule(text);
    if (!rule) return fail(with, exit_code::bad_data, "rule", policy::explain_error(rule.error(), text));
    storage::rule_record record{.mailbox = "", .pattern = rule->text, .created = std::time(nullptr)};
    if (const auto code = read_scope(given, record.mailbox, with); code != exit_code::ok) return code;
    const bool allows = given.one("ACTION") == "allow";
    record.action = allows ? storage::kept_action::allow : storage::kept_action::deny;

    const open_rules rules(*settings, with);
    if (!rules.tables) return rules.code;
    if (const auto code = check_mailbox(record.mailbox, *rules.accounts.tables, with); code != exit_code::ok)
        return code;
    const auto put = rules.tables->put({&record, 1});
    if (!put && put.error() == storage::storage_errc::too_large) return tell_full(record.mailbox, with);
    if (!put) return fail(with, rule->text, put.error());
    with.out << fmt::format("{} {}: {}\n", action_name(record.action), shown(rule->text),
                            shown(policy::explain_match(*rule)));
    const auto warning =
        policy::rule_warning(*rule, allows ? policy::rule_action::allow : policy::rule_action::deny);
    if (!warning.empty()) warn(with, "rule", warning);
    return exit_code::ok;
}

exit_code run_rule_list(const arguments& given, terminal& with) {
    const opened_scope scope(given, with);
    if (scope.code != exit_code::ok) return scope.code;
    const auto& mailbox = scope.mailbox;
    const auto& rules = *scope.rules;
    std::vector<storage::rule_record>
        records; // printed after the transaction: a slow terminal must not hold it open
    const auto keep = [&](const storage::rule_record& record) {
        records.push_back(record);
        return true;
    };
    const boost::system::error_code failure =
        mailbox.empty() ? rules.tables->each_scope(keep).error() : rules.tables->each(mailbox, keep).error();
    if (failure) return fail(with, "rules", failure);
    // Rules may be left of a mailbox that is gone: they are shown.
    if (records.empty())
        if (const auto code = check_mailbox(mailbox, *rules.accounts.tables, with); code != exit_code::ok)
            return code;
    if (given.has("--json"))
        print_json(records, with.out);
    else
        print_table(records, with.out);
    return exit_code::ok;
}

exit_code run_rule_remove(const arguments& given, terminal& with) {
    const opened_scope scope(given, with);
    if (scope.code != exit_code::ok) return scope.code;
    const auto& mailbox = scope.mailbox;
    const auto& rules = *scope.rules;
    // First what is kept just so: it need not be a rule in this version.
    const std::string text = given.one("PATTERN");
    auto removed = rules.tables->remove(mailbox, text);
    if (!removed) return fail(with, text, removed.error());
    if (*removed) return exit_code::ok;
    const auto rule = policy::parse_rule(text);
    if (!rule) return fail(with, exit_code::bad_data, "rule", policy::explain_error(rule.error(), text));
    removed = rules.tables->remove(mailbox, rule->text);
    if (!removed) return fail(with, rule->text, removed.error());
    if (*removed) return exit_code::ok;
    return fail(with, exit_code::no_user, rule->text,
                mailbox.empty() ? std::string("the server has no such rule (postern rule list)")
                                : fmt::format("{} has no such rule (postern rule list)", mailbox));
}

} // namespace postern::server

// postern alias: addresses that stand for others, here or elsewhere. A catch-all needs the word of the
// operator twice: in the command and in local.catch_all_domains.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include "storage/resolve.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

// The address of an alias as it is typed: local@domain, or @domain.
struct alias_name {
    std::string key; // folded; "@domain" for a catch-all
    std::string domain;
    bool catch_all = false;
};

result<alias_name, protocol::parse_error> parse_alias_name(const std::string& text) {
    if (text.starts_with('@')) {
        const auto domain =
            protocol::canonical_domain(std::string_view(text).substr(1), protocol::unicode::allow);
        if (!domain) return domain.error();
        return alias_name{"@" + *domain, *domain, true};
    }
    const auto address = protocol::parse_address(text);
    if (!address) return address.error();
    return alias_name{address->folded(), address->domain, false};
}

exit_code check_catch_all(const alias_name& name, bool asked_for, const conf::config& settings,
                          terminal& with) {
    if (!name.catch_all && asked_for)
        return fail(with, exit_code::usage, "usage", "--catch-all goes with an address of the form @domain");
    if (!name.catch_all) return exit_code::ok;
    if (!asked_for)
        return fail(with, exit_code::bad_data, name.key,
                    "would take the mail of every unknown name there: if that is meant, add --catch-all");
    const auto& granted = settings.local.catch_all_domains;
    if (std::find(granted.begin(), granted.end(), name.domain) == granted.end())
        return fail(with, exit_code::bad_data, name.key,
                    fmt::format("{} is not in local.catch_all_domains of the configuration", name.domain));
    return exit_code::ok;
}

exit_code check_domain(const alias_name& name, const storage::directory& tables, terminal& with) {
    const auto domain = tables.find_domain(name.domain);
    if (!domain) return fail(with, name.domain, domain.error());
    if (!*domain)
        return fail(with, exit_code::no_user, name.domain, "is not hosted here (postern domain add)");
    if (!(*domain)->alias_of.empty())
        return fail(with, exit_code::bad_data, name.domain,
                    fmt::format("is an alias of {}: name the alias there", (*domain)->alias_of));
    return exit_code::ok;
}

// Every target as it is stored: outside addresses as they were written, except for the domain.
exit_code read_targets(const arguments& given, std::vector<std::string>& targets, terminal& with) {
    for (const auto& text : given.all("TARGET")) {
        const auto address = protocol::parse_address(text);
        if (!address) return fail(with, exit_code::bad_data, text, describe(address.error()));
        targets.push_back(address->to_string());
    }
    return exit_code::ok;
}

std::string_view problem_of(const storage::resolution& found) {
    switch (found.kind) {
    case storage::resolution_kind::found: return "";
    case storage::resolution_kind::loop: return "leads only back to itself: mail for it will be refused";
    case storage::resolution_kind::too_many:
        return "stands for more than limits.alias_targets addresses: mail for it will be refused";
    case storage::resolution_kind::unknown:
    case storage::resolution_kind::not_ours: return "leads to nobody yet: mail for it will be refused";
    }
    return "";
}

// What mail for the alias will meet, said now rather than by the first sender.
void warn_of_problems(const alias_name& name, const conf::config& settings, const storage::directory& tables,
                      terminal& with) {
    storage::resolve_settings limits;
    limits.max_targets = settings.limits.alias_targets;
    limits.catch_all_domains = settings.local.catch_all_domains;
    limits.hostname = settings.server.hostname;
    limits.postmaster = settings.local.postmaster.empty() ? "postmaster@" + settings.server.hostname
                                                          : settings.local.postmaster;
    auto address =
        protocol::parse_address(name.catch_all ? "somebody-without-a-mailbox" + name.key : name.key);
    if (!address) return;
    const auto found = storage::resolve(tables, *address, limits);
    if (!found) return warn(with, name.key, found.error().message());
    if (const auto problem = problem_of(*found); !problem.empty()) warn(with, name.key, problem);
}

struct alias_line {
    std::string address;
    std::string target;
};

void print_json(const std::vector<alias_line>& lines, std::ostream& out) {
    json_list list(out, "aliases");
    for (std::size_t i = 0; i < lines.size();) {
        const std::string& address = lines[i].address;
        boost::json::array targets;
        for (; i < lines.size() && lines[i].address == address; ++i)
            targets.emplace_back(shown(lines[i].target));
        list.add({{"address", shown(address)}, {"targets", std::move(targets)}});
    }
    list.end();
}

} // namespace

exit_code run_alias_add(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto name = parse_alias_name(given.one("ADDRESS"));
    if (!name) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(name.error()));
    if (const auto code = check_catch_all(*name, given.has("--catch-all"), *settings, with);
        code != exit_code::ok)
        return code;
    std::vector<std::string> targets;
    if (const auto code = read_targets(given, targets, with); code != exit_code::ok) return code;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    if (const auto code = check_domain(*name, *accounts.tables, with); code != exit_code::ok) return code;
    if (const auto added = accounts.tables->add_alias(name->key, targets); !added)
        return fail(with, name->key, added.error());
    warn_of_problems(*name, *settings, *accounts.tables, with);
    return exit_code::ok;
}

exit_code run_alias_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    std::string wanted;
    if (given.has("ADDRESS")) {
        const auto name = parse_alias_name(given.one("ADDRESS"));
        if (!name) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(name.error()));
        wanted = name->key;
    }
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    std::vector<alias_line> lines; // printed after the transaction: a slow terminal must not hold it open
    const auto walked =
        accounts.tables->each_alias(wanted, [&](std::string_view address, std::string_view target) {
            lines.push_back({std::string(address), std::string(target)});
            return true;
        });
    if (!walked) return fail(with, "aliases", walked.error());
    if (!wanted.empty() && lines.empty())
        return fail(with, exit_code::no_user, wanted, "there is no such alias");
    if (given.has("--json")) {
        print_json(lines, with.out);
        return exit_code::ok;
    }
    text_table table({"ADDRESS", "TARGET"});
    for (const auto& line : lines) table.add({shown(line.address), shown(line.target)});
    table.print(with.out);
    return exit_code::ok;
}

exit_code run_alias_remove(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto name = parse_alias_name(given.one("ADDRESS"));
    if (!name) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(name.error()));
    std::vector<std::string> targets;
    if (const auto code = read_targets(given, targets, with); code != exit_code::ok) return code;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const auto removed = accounts.tables->remove_alias(name->key, targets);
    if (!removed) return fail(with, name->key, removed.error());
    if (*removed > 0) return exit_code::ok;
    return fail(with, exit_code::no_user, name->key,
                targets.empty() ? "there is no such alias" : "has no such target");
}

} // namespace postern::server

// postern domain: which domains are hosted here, and which are only other names of them.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t tier_name_max = 32;

bool is_tier_name(std::string_view name) {
    if (name.empty() || name.size() > tier_name_max) return false;
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

result<std::string, protocol::parse_error> domain_argument(const std::string& text) {
    return protocol::canonical_domain(text, protocol::unicode::allow);
}

// Fills record.alias_of; the other domain must be one of its own, so that no chain of names arises.
exit_code read_alias_of(const std::string& text, const storage::directory& tables,
                        storage::domain_record& record, terminal& with) {
    const auto other = domain_argument(text);
    if (!other) return fail(with, exit_code::bad_data, text, describe(other.error()));
    if (*other == record.name)
        return fail(with, exit_code::bad_data, record.name, "can't be an alias of itself");
    const auto found = tables.find_domain(*other);
    if (!found) return fail(with, *other, found.error());
    if (!*found) return fail(with, exit_code::no_user, *other, "is not hosted here");
    if (!(*found)->alias_of.empty())
        return fail(with, exit_code::bad_data, *other,
                    fmt::format("is itself an alias of {}: name that one", (*found)->alias_of));
    record.alias_of = *other;
    return exit_code::ok;
}

// What still belongs to a domain.
struct belongings {
    std::size_t mailboxes = 0;
    std::size_t aliases = 0;
    std::size_t other_names = 0; // domains that are an alias of it
};

result<belongings> count_belongings(const storage::directory& tables, const std::string& domain) {
    belongings found;
    const std::string end = "@" + domain;
    const auto mailboxes = tables.each_mailbox([&](const storage::mailbox_record& record) {
        found.mailboxes += record.address.ends_with(end) ? 1 : 0;
        return true;
    });
    if (!mailboxes) return mailboxes.error();
    std::string last;
    const auto aliases = tables.each_alias("", [&](std::string_view address, std::string_view) {
        if (address != last && address.ends_with(end)) ++found.aliases;
        last = address;
        return true;
    });
    if (!aliases) return aliases.error();
    const auto domains = tables.each_domain([&](const storage::domain_record& record) {
        found.other_names += record.alias_of == domain ? 1 : 0;
        return true;
    });
    if (!domains) return domains.error();
    return found;
}

std::string describe(const belongings& left) {
    std::string text = "still has";
    const auto add = [&](std::size_t count, const char* what, const char* list) {
        if (count > 0)
            text +=
                fmt::format("{} {} {} (postern {} list)", text.back() == ')' ? "," : "", count, what, list);
    };
    add(left.mailboxes, left.mailboxes == 1 ? "mailbox" : "mailboxes", "mailbox");
    add(left.aliases, left.aliases == 1 ? "alias" : "aliases", "alias");
    add(left.other_names, left.other_names == 1 ? "alias domain" : "alias domains", "domain");
    return text;
}

} // namespace

exit_code run_domain_add(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto name = domain_argument(given.one("NAME"));
    if (!name) return fail(with, exit_code::bad_data, given.one("NAME"), describe(name.error()));
    storage::domain_record record{
        .name = *name, .tier = given.one("--tier"), .alias_of = "", .hourly_limit = 0};
    if (given.has("--tier") && !is_tier_name(record.tier))
        return fail(with, exit_code::bad_data, record.tier,
                    "is not the name of a tier (\"a\", \"b\", \"c\", \"d\")");

    if (const auto code = read_hourly_limit(given, record.hourly_limit, with); code != exit_code::ok)
        return code;

    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const auto known = accounts.tables->find_domain(record.name);
    if (!known) return fail(with, record.name, known.error());
    if (*known) return fail(with, exit_code::cant_create, record.name, "is hosted already");
    if (given.has("--alias-of"))
        if (const auto code = read_alias_of(given.one("--alias-of"), *accounts.tables, record, with);
            code != exit_code::ok)
            return code;
    const auto put = accounts.tables->put_domain(record);
    return put ? exit_code::ok : fail(with, record.name, put.error());
}

exit_code run_domain_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    std::vector<storage::domain_record>
        records; // printed after the transaction: a slow terminal must not hold it open
    const auto walked = accounts.tables->each_domain([&](const storage::domain_record& record) {
        records.push_back(record);
        return true;
    });
    if (!walked) return fail(with, "domains", walked.error());
    if (given.has("--json")) {
        json_list list(with.out, "domains");
        for (const auto& record : records)
            list.add({{"name", record.name}, {"tier", record.tier}, {"alias_of", record.alias_of}});
        list.end();
        return exit_code::ok;
    }
    text_table table({"NAME", "TIER", "ALIAS-OF"});
    for (const auto& record : records)
        table.add({record.name, record.tier.empty() ? "-" : record.tier,
                   record.alias_of.empty() ? "-" : record.alias_of});
    table.print(with.out);
    return exit_code::ok;
}

exit_code run_domain_remove(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto name = domain_argument(given.one("NAME"));
    if (!name) return fail(with, exit_code::bad_data, given.one("NAME"), describe(name.error()));
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const auto left = count_belongings(*accounts.tables, *name);
    if (!left) return fail(with, *name, left.error());
    if (left->mailboxes + left->aliases + left->other_names > 0)
        return fail(with, exit_code::bad_data, *name, describe(*left));
    const auto removed = accounts.tables->remove_domain(*name);
    if (!removed) return fail(with, *name, removed.error());
    return *removed ? exit_code::ok : fail(with, exit_code::no_user, *name, "is not hosted here");
}

} // namespace postern::server

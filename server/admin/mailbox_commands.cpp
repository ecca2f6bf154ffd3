// postern mailbox: who has a mailbox here, how large it may grow, and the password for submission.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include "conf/settings.hpp"
#include "policy/password.hpp"

#include <ctime>
#include <fmt/format.h>
#include <istream>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t password_line_max = policy::password_max + 2; // one too many, or a CR

// The first line of stdin, at most password_line_max octets of it.
std::string read_line(std::istream& in) {
    std::string line;
    for (char c = 0; line.size() < password_line_max && in.get(c) && c != '\n';) line += c;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

exit_code read_password(const protocol::address& owner, storage::mailbox_record& record, terminal& with) {
    const std::string password = read_line(with.in);
    const std::string words[] = {owner.local, owner.domain};
    if (const std::string reason = policy::password_weakness(password, words); !reason.empty())
        return fail(with, exit_code::bad_data, "password", reason);
    auto hashed = policy::hash_password(password);
    if (!hashed) return fail(with, exit_code::temporary, "password", hashed.error().message());
    record.password = std::move(*hashed);
    return exit_code::ok;
}

// The options that `add` and `set` share; what isn't given stays as it is.
exit_code apply_options(const arguments& given, const protocol::address& owner,
                        storage::mailbox_record& record, terminal& with) {
    if (given.has("--quota")) {
        const auto quota = conf::parse_size(given.one("--quota"));
        if (!quota)
            return fail(with, exit_code::bad_data, given.one("--quota"),
                        "is not a size such as \"1GB\", \"500MiB\" or \"0\"");
        record.quota = *quota;
    }
    if (given.has("--antispam")) record.antispam = given.one("--antispam") == "on";
    if (given.has("--password-stdin")) return read_password(owner, record, with);
    return exit_code::ok;
}

exit_code check_domain(const protocol::address& address, const storage::directory& tables, terminal& with) {
    const auto domain = tables.find_domain(address.domain);
    if (!domain) return fail(with, address.domain, domain.error());
    if (!*domain)
        return fail(with, exit_code::no_user, address.domain, "is not hosted here (postern domain add)");
    if (!(*domain)->alias_of.empty())
        return fail(with, exit_code::bad_data, address.domain,
                    fmt::format("is an alias of {}: name the mailbox there", (*domain)->alias_of));
    return exit_code::ok;
}

std::string quota_text(std::uint64_t quota) {
    return quota == 0 ? std::string("-") : conf::format_size(quota);
}

} // namespace

exit_code run_mailbox_add(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto address = protocol::parse_address(given.one("ADDRESS"));
    if (!address) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(address.error()));
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    if (const auto code = check_domain(*address, *accounts.tables, with); code != exit_code::ok) return code;
    storage::mailbox_record record;
    record.address = address->folded();
    record.created = std::time(nullptr);
    const auto known = accounts.tables->find_mailbox(record.address);
    if (!known) return fail(with, record.address, known.error());
    if (*known)
        return fail(with, exit_code::cant_create, record.address,
                    "exists already (postern mailbox set changes it)");
    if (const auto code = apply_options(given, *address, record, with); code != exit_code::ok) return code;
    const auto put = accounts.tables->put_mailbox(record);
    return put ? exit_code::ok : fail(with, record.address, put.error());
}

exit_code run_mailbox_set(const arguments& given, terminal& with) {
    if (!given.has("--quota") && !given.has("--antispam") && !given.has("--password-stdin"))
        return fail(with, exit_code::usage, "usage",
                    "say what to change: --quota, --antispam or --password-stdin");
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto address = protocol::parse_address(given.one("ADDRESS"));
    if (!address) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(address.error()));
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const auto known = accounts.tables->find_mailbox(address->folded());
    if (!known) return fail(with, address->folded(), known.error());
    if (!*known) return fail(with, exit_code::no_user, address->folded(), "there is no such mailbox");
    storage::mailbox_record record = **known;
    if (const auto code = apply_options(given, *address, record, with); code != exit_code::ok) return code;
    const auto put = accounts.tables->put_mailbox(record);
    return put ? exit_code::ok : fail(with, record.address, put.error());
}

exit_code run_mailbox_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    std::vector<storage::mailbox_record>
        records; // printed after the transaction: a slow terminal must not hold it open
    const auto walked = accounts.tables->each_mailbox([&](const storage::mailbox_record& record) {
        records.push_back(record);
        records.back().password = record.password.empty() ? "" : "set";
        return true;
    });
    if (!walked) return fail(with, "mailboxes", walked.error());
    if (given.has("--json")) {
        json_list list(with.out, "mailboxes");
        for (const auto& record : records)
            list.add({{"address", shown(record.address)},
                      {"quota", record.quota},
                      {"antispam", record.antispam},
                      {"has_password", !record.password.empty()},
                      {"created", record.created}});
        list.end();
        return exit_code::ok;
    }
    text_table table({"ADDRESS", "QUOTA", "ANTISPAM", "PASSWORD", "CREATED"});
    for (const auto& record : records)
        table.add({shown(record.address), quota_text(record.quota), record.antispam ? "on" : "off",
                   record.password.empty() ? "-" : record.password, local_time_text(record.created)});
    table.print(with.out);
    return exit_code::ok;
}

exit_code run_mailbox_remove(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto address = protocol::parse_address(given.one("ADDRESS"));
    if (!address) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(address.error()));
    const open_rules opened(*settings, with);
    if (!opened.tables) return opened.code;
    const std::string mailbox = address->folded();
    const auto removed = opened.accounts.tables->remove_mailbox(mailbox);
    if (!removed) return fail(with, mailbox, removed.error());
    if (!*removed) return fail(with, exit_code::no_user, mailbox, "there is no such mailbox");
    // Whoever gets the address next shall not find them.
    const auto rules = opened.tables->remove_all(mailbox);
    return rules ? exit_code::ok : fail(with, mailbox, rules.error());
}

} // namespace postern::server

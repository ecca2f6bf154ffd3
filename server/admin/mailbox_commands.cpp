// postern mailbox: who has a mailbox here, how large it may grow, and the password for submission.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include "conf/settings.hpp"
#include "policy/password.hpp"
#include "policy/submission/credentials.hpp"
#include "server/table_terms.hpp"
#include "storage/tables/identities.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <ctime>
#include <fmt/format.h>
#include <istream>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t setting_max = 1024; // octets of a stored hash

// The first line of stdin, at most `most` octets of it and two more: one too many, or a CR.
std::string read_line(std::istream& in, std::size_t most) {
    std::string line;
    line.reserve(most + 2);
    for (char c = 0; line.size() < most + 2 && in.get(c) && c != '\n';) line += c;
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

exit_code keep_password(const std::string& password, const protocol::address& owner,
                        const conf::config& settings, storage::mailbox_record& record, terminal& with) {
    std::vector<std::string> words = {owner.local, owner.domain, settings.server.hostname};
    words.insert(words.end(), settings.auth.words.begin(), settings.auth.words.end());
    if (const std::string reason = policy::password_weakness(password, words); !reason.empty())
        return fail(with, exit_code::bad_data, "password", reason);
    auto kept = policy::store_password(password);
    if (!kept) return fail(with, exit_code::temporary, "password", kept.error().message());
    if (kept->scram.empty())
        warn(with, "password", "it has characters that SCRAM can't use: only PLAIN and LOGIN will take it");
    record.password = std::move(kept->setting);
    record.scram = std::move(kept->scram);
    return exit_code::ok;
}

exit_code read_password(const protocol::address& owner, const conf::config& settings,
                        storage::mailbox_record& record, terminal& with) {
    std::string password = read_line(with.in, policy::password_max);
    const auto code = keep_password(password, owner, settings, record, with);
    protocol::sasl::wipe(password);
    return code;
}

// A hash that another server made; its keys of SCRAM can be known only when it is made of them.
exit_code read_hash(storage::mailbox_record& record, terminal& with) {
    constexpr std::string_view of_keys = "{SCRAM-SHA-256}";
    const std::string stored = read_line(with.in, setting_max);
    if (const std::string problem = policy::setting_problem(stored); !problem.empty())
        return fail(with, exit_code::bad_data, "password hash", problem);
    record.password = stored;
    const bool has_keys =
        protocol::equals_ignoring_case(std::string_view(stored).substr(0, of_keys.size()), of_keys);
    record.scram = has_keys ? stored.substr(of_keys.size()) : "";
    return exit_code::ok;
}

exit_code apply_phrases(const arguments& given, storage::mailbox_record& record, terminal& with) {
    if (given.has("--no-subject-phrases")) record.subject_phrases.clear();
    if (!given.has("--subject-phrase")) return exit_code::ok;
    if (given.has("--no-subject-phrases"))
        return fail(with, exit_code::usage, "usage", "--subject-phrase or --no-subject-phrases, not both");
    const auto& phrases = given.all("--subject-phrase");
    if (phrases.size() > storage::subject_phrases_max)
        return fail(with, exit_code::bad_data, "subject phrases",
                    fmt::format("{} are more than {}", phrases.size(), storage::subject_phrases_max));
    for (const auto& phrase : phrases)
        if (!protocol::is_printable(phrase) || phrase.find_first_not_of(' ') == std::string::npos ||
            phrase.size() > storage::subject_phrase_max)
            return fail(
                with, exit_code::bad_data, shown(phrase),
                fmt::format("is not a phrase: write 1 to {} octets of UTF-8", storage::subject_phrase_max));
    record.subject_phrases = phrases;
    return exit_code::ok;
}

// The options that `add` and `set` share; what isn't given stays as it is.
exit_code apply_options(const arguments& given, const protocol::address& owner, const conf::config& settings,
                        storage::mailbox_record& record, terminal& with) {
    if (given.has("--password-stdin") && given.has("--password-hash-stdin"))
        return fail(with, exit_code::usage, "usage", "--password-stdin or --password-hash-stdin, not both");
    if (given.has("--quota")) {
        const auto quota = conf::parse_size(given.one("--quota"));
        if (!quota)
            return fail(with, exit_code::bad_data, given.one("--quota"),
                        "is not a size such as \"1GB\", \"500MiB\" or \"0\"");
        record.quota = *quota;
    }
    if (given.has("--antispam")) record.antispam = given.one("--antispam") == "on";
    if (given.has("--accept-redirected")) record.accept_redirected = given.one("--accept-redirected") == "on";
    if (const auto code = read_hourly_limit(given, record.hourly_limit, with); code != exit_code::ok)
        return code;
    if (const auto code = apply_phrases(given, record, with); code != exit_code::ok) return code;
    if (given.has("--password-stdin")) return read_password(owner, settings, record, with);
    if (given.has("--password-hash-stdin")) return read_hash(record, with);
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

// Whoever gets the address next shall not be judged by what this one called junk.
exit_code forget_lessons(const conf::config& settings, const std::string& mailbox, terminal& with) {
    auto taught = storage::open_lmdb_tokens(settings.server.state_dir, tokens_limits_of(settings));
    if (!taught) return fail(with, settings.server.state_dir, taught.error());
    const auto forgotten = (*taught)->forget(mailbox);
    return forgotten ? exit_code::ok : fail(with, mailbox, forgotten.error());
}

// Nor write as whom this one could.
exit_code forget_identities(const storage::accounts_environment& environment, const std::string& mailbox,
                            terminal& with) {
    const auto identities = storage::open_lmdb_identities(environment);
    if (!identities) return fail(with, mailbox, identities.error());
    const auto forgotten = (*identities)->forget(mailbox);
    return forgotten ? exit_code::ok : fail(with, mailbox, forgotten.error());
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
    // A running server may have learned some after the last one of this name was removed.
    if (const auto code = forget_identities(accounts.environment, record.address, with);
        code != exit_code::ok)
        return code;
    if (const auto code = apply_options(given, *address, *settings, record, with); code != exit_code::ok)
        return code;
    const auto put = accounts.tables->put_mailbox(record);
    return put ? exit_code::ok : fail(with, record.address, put.error());
}

exit_code run_mailbox_set(const arguments& given, terminal& with) {
    constexpr const char* changes[] = {
        "--quota",          "--antispam",           "--password-stdin",    "--password-hash-stdin",
        "--subject-phrase", "--no-subject-phrases", "--accept-redirected", "--hourly-limit"};
    if (std::none_of(std::begin(changes), std::end(changes), [&](auto* name) { return given.has(name); }))
        return fail(with, exit_code::usage, "usage",
                    "say what to change: --quota, --antispam, --hourly-limit, --subject-phrase, "
                    "--no-subject-phrases, "
                    "--accept-redirected, --password-stdin or --password-hash-stdin");
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
    if (const auto code = apply_options(given, *address, *settings, record, with); code != exit_code::ok)
        return code;
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
        records.back().scram.clear();
        return true;
    });
    if (!walked) return fail(with, "mailboxes", walked.error());
    if (given.has("--json")) {
        json_list list(with.out, "mailboxes");
        for (const auto& record : records)
            list.add({{"address", shown(record.address)},
                      {"quota", record.quota},
                      {"antispam", record.antispam},
                      {"hourly_limit", record.hourly_limit},
                      {"subject_phrases",
                       boost::json::array(record.subject_phrases.begin(), record.subject_phrases.end())},
                      {"accept_redirected", record.accept_redirected},
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
    if (const auto code = forget_identities(opened.accounts.environment, mailbox, with);
        code != exit_code::ok)
        return code;
    const auto rules = opened.tables->remove_all(mailbox);
    if (!rules) return fail(with, mailbox, rules.error());
    return forget_lessons(*settings, mailbox, with);
}

} // namespace postern::server

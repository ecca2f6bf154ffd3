// postern identity: who may write as whom. What needs a mail goes to the running server; the rest is done in
// the tables, whether it runs or not.
#include "server/admin/ask_server.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"

#include "policy/submission/identity_token.hpp"
#include "policy/submission/ownership.hpp"
#include "server/identity/desk.hpp"

#include <boost/json/serialize.hpp>
#include <ctime>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

using storage::identity_state;

// The tables of the accounts with the identities beside them.
struct open_identities {
    open_accounts accounts; // first: outlives the open tables
    std::unique_ptr<storage::identities> tables;
    exit_code code = exit_code::ok;

    open_identities(const conf::config& settings, terminal& with)
        : accounts(settings, with), code(accounts.code) {
        if (!accounts.tables) return;
        auto opened = storage::open_lmdb_identities(accounts.environment);
        if (opened)
            tables = std::move(*opened);
        else
            code = fail(with, settings.server.state_dir, opened.error());
    }
};

exit_code read_address(const std::string& text, std::string& folded, terminal& with) {
    const auto address = protocol::parse_address(text);
    if (!address) return fail(with, exit_code::bad_data, text, describe(address.error()));
    folded = address->folded();
    if (folded.size() > storage::identity_key_max || address->is_literal())
        return fail(with, exit_code::bad_data, text, "not an address that can be an identity");
    return exit_code::ok;
}

// ACCOUNT and ADDRESS. `code` is not ok after the error was said.
struct named_pair {
    std::string account, address;
    exit_code code;

    named_pair(const arguments& given, terminal& with)
        : code(read_address(given.one("ACCOUNT"), account, with)) {
        if (code == exit_code::ok) code = read_address(given.one("ADDRESS"), address, with);
    }
};

std::string_view state_name(identity_state state) {
    switch (state) {
    case identity_state::pending: return "asked";
    case identity_state::confirmed: return "confirmed";
    case identity_state::learned: return "learned";
    case identity_state::declined: return "declined";
    }
    return "?";
}

exit_code code_of(desk_answer answer) {
    switch (answer) {
    case desk_answer::done:
    case desk_answer::known:
    case desk_answer::own: return exit_code::ok;
    case desk_answer::no_account:
    case desk_answer::unknown_token: return exit_code::no_user;
    case desk_answer::bad_address:
    case desk_answer::expired_token: return exit_code::bad_data;
    case desk_answer::limited:
    case desk_answer::trouble: break;
    }
    return exit_code::temporary;
}

exit_code add_confirmed(const conf::config& settings, const named_pair& pair, terminal& with) {
    const open_identities opened(settings, with);
    if (!opened.tables) return opened.code;
    const auto box = opened.accounts.tables->find_mailbox(pair.account);
    if (!box) return fail(with, pair.account, box.error());
    if (!*box) return fail(with, exit_code::no_user, pair.account, "there is no such mailbox");
    const storage::identity_record record{pair.account, pair.address, identity_state::confirmed,
                                          std::time(nullptr), 0};
    const auto put = opened.tables->put(record);
    if (!put && put.error() == storage::storage_errc::too_large)
        return fail(with, exit_code::bad_data, pair.account,
                    fmt::format("has {} identities already, no more are kept", storage::identities_max));
    if (!put) return fail(with, pair.account, put.error());
    return exit_code::ok;
}

exit_code ask_by_mail(const conf::config& settings, const named_pair& pair, terminal& with) {
    const boost::json::object request{
        {"command", "ask_owner"}, {"account", pair.account}, {"address", pair.address}};
    exit_code code = exit_code::ok;
    const auto document = ask_server(settings, boost::json::serialize(request), with, code);
    if (!document.is_object()) return code;
    const auto& object = document.get_object();
    const auto* ok = object.if_contains("ok");
    const auto* answer = object.if_contains("answer");
    const auto said = answer == nullptr ? std::string_view("?") : text_of(*answer);
    if (ok != nullptr && ok->is_bool() && ok->get_bool()) {
        with.out << "asked " << shown(pair.address) << "\n";
        return exit_code::ok;
    }
    for (int i = 0; i <= static_cast<int>(desk_answer::trouble); ++i) {
        const auto one = static_cast<desk_answer>(i);
        if (text_of(one) != said) continue;
        if (code_of(one) != exit_code::ok) return fail(with, code_of(one), pair.address, said);
        with.out << shown(said) << "\n";
        return exit_code::ok;
    }
    return fail(with, exit_code::temporary, pair.address, said);
}

void print_identities(const std::vector<storage::identity_record>& records, bool as_json, std::ostream& out) {
    if (as_json) {
        json_list list(out, "identities");
        for (const auto& one : records) {
            boost::json::object item{{"account", shown(one.account)},
                                     {"address", shown(one.address)},
                                     {"state", state_name(one.state)},
                                     {"created", one.created}};
            if (one.expires != 0) item["expires"] = one.expires;
            list.add(item);
        }
        return list.end();
    }
    text_table table({"ACCOUNT", "ADDRESS", "STATE", "SINCE"});
    for (const auto& one : records)
        table.add({shown(one.account), shown(one.address), std::string(state_name(one.state)),
                   local_time_text(one.created)});
    table.print(out);
}

// A foreign sender, and whether it would be refused if ownership were enforced now.
struct reported_use {
    storage::foreign_use use;
    std::string_view state; // "refused", or why not
};

result<std::string_view> state_of(const open_identities& opened, const storage::foreign_use& use) {
    const policy::ownership owned(*opened.accounts.tables, nullptr);
    const auto address = protocol::parse_address(use.address);
    const auto own =
        address ? owned.may_use(use.account, *address) : result<bool>(boost::system::in_place_value, false);
    if (!own) return own.error();
    if (*own) return std::string_view("own");
    const auto identity = opened.tables->find(use.account, use.address);
    if (!identity) return identity.error();
    const bool counts = *identity && storage::allows((*identity)->state);
    return counts ? state_name((*identity)->state) : std::string_view("refused");
}

void print_report(const std::vector<reported_use>& uses, bool as_json, std::ostream& out) {
    if (as_json) {
        json_list list(out, "foreign_senders");
        for (const auto& [use, state] : uses)
            list.add({{"account", shown(use.account)},
                      {"address", shown(use.address)},
                      {"times", use.times},
                      {"last", use.last},
                      {"would_be_refused", state == "refused"},
                      {"state", state}});
        return list.end();
    }
    text_table table({"ACCOUNT", "ADDRESS", "TIMES", "LAST", "TODAY"});
    for (const auto& [use, state] : uses)
        table.add({shown(use.account), shown(use.address), std::to_string(use.times),
                   local_time_text(use.last), std::string(state)});
    table.print(out);
}

} // namespace

exit_code run_identity_add(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const named_pair pair(given, with);
    if (pair.code != exit_code::ok) return pair.code;
    return given.has("--confirmed") ? add_confirmed(*settings, pair, with)
                                    : ask_by_mail(*settings, pair, with);
}

exit_code run_identity_confirm(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const open_identities opened(*settings, with);
    if (!opened.tables) return opened.code;
    const auto digest = policy::digest_of_token(given.one("TOKEN"));
    if (!digest) return fail(with, exit_code::bad_data, "code", "not of the form of one");
    const auto answered =
        opened.tables->answer(*digest, storage::token_purpose::confirm, true, std::time(nullptr));
    if (!answered) return fail(with, "code", answered.error());
    if (answered->what != storage::answering::done) {
        const bool late = answered->what == storage::answering::expired;
        const auto why = late ? desk_answer::expired_token : desk_answer::unknown_token;
        return fail(with, code_of(why), "code", text_of(why));
    }
    with.out << shown(answered->about.account) << " may write as " << shown(answered->about.address) << "\n";
    return exit_code::ok;
}

exit_code run_identity_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    std::string account, address;
    auto code = exit_code::ok;
    if (given.has("--account")) code = read_address(given.one("--account"), account, with);
    if (code == exit_code::ok && given.has("--address"))
        code = read_address(given.one("--address"), address, with);
    if (code != exit_code::ok) return code;
    const open_identities opened(*settings, with);
    if (!opened.tables) return opened.code;
    std::vector<storage::identity_record> records; // printed after the transaction
    const auto keep = [&](const storage::identity_record& one) {
        if (account.empty() || one.account == account) records.push_back(one);
        return true;
    };
    const auto walked = address.empty() ? opened.tables->each_of_account(account, keep)
                                        : opened.tables->each_of_address(address, keep);
    if (!walked) return fail(with, "identities", walked.error());
    print_identities(records, given.has("--json"), with.out);
    return exit_code::ok;
}

exit_code run_identity_revoke(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const named_pair pair(given, with);
    if (pair.code != exit_code::ok) return pair.code;
    const open_identities opened(*settings, with);
    if (!opened.tables) return opened.code;
    const auto gone = opened.tables->revoke(pair.account, pair.address, std::time(nullptr));
    if (!gone) return fail(with, pair.address, gone.error());
    if (*gone) return exit_code::ok;
    return fail(with, exit_code::no_user, pair.address,
                fmt::format("is no identity of {} (postern identity list)", pair.account));
}

exit_code run_identity_report(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const open_identities opened(*settings, with);
    if (!opened.tables) return opened.code;
    std::vector<reported_use> uses;
    const auto walked = opened.tables->each_foreign([&](const storage::foreign_use& use) {
        uses.push_back({use, {}});
        return true;
    });
    if (!walked) return fail(with, "identities", walked.error());
    for (auto& [use, state] : uses) {
        const auto now = state_of(opened, use);
        if (!now) return fail(with, use.address, now.error());
        state = *now;
    }
    print_report(uses, given.has("--json"), with.out);
    return exit_code::ok;
}

} // namespace postern::server

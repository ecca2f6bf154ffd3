// postern ledger: where is my mail? Read straight from the table, beside a running server or without one. A
// page at a time, each its own read transaction, over before anything is printed.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"
#include "server/table_terms.hpp"

#include "conf/settings.hpp"

#include <ctime>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t page_max = 200; // rows read at once

std::string address_text(const std::optional<protocol::address>& address) {
    return address ? shown(address->to_string()) : std::string();
}

std::string_view mode_text(storage::ledger_mode mode) {
    switch (mode) {
    case storage::ledger_mode::refused: break;
    case storage::ledger_mode::reported: return "reported";
    }
    return "refused";
}

// For people a reply of 4yz is something else: the sender comes back.
std::string result_text(const storage::ledger_row& row) {
    const bool comes_back = row.mode == storage::ledger_mode::refused && row.reply.starts_with('4');
    return comes_back ? "deferred" : std::string(mode_text(row.mode));
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : shown(text); }

boost::json::object row_object(const storage::ledger_row& row) {
    return {{"time", row.time},
            {"mode", mode_text(row.mode)},
            {"client", row.client.to_string()},
            {"helo", shown(row.helo)},
            {"listener", shown(row.listener)},
            {"sender", address_text(row.sender)},
            {"recipient", address_text(row.recipient)},
            {"test", shown(row.test)},
            {"reply", shown(row.reply)},
            {"cause", shown(row.cause)}};
}

void add_row(text_table& table, const storage::ledger_row& row) {
    std::string reply = shown(row.reply);
    if (!row.cause.empty()) reply += " [" + shown(row.cause) + "]";
    table.add({local_time_text(row.time), result_text(row), or_dash(row.test), row.client.to_string(),
               or_dash(row.helo), or_dash(row.listener), "<" + address_text(row.sender) + ">",
               row.recipient ? "<" + address_text(row.recipient) + ">" : "-", std::move(reply)});
}

struct search {
    const storage::ledger& table;
    std::optional<protocol::address> whom;
    std::int64_t since = 0;
};

// Calls `take` for each row and `print` after each page. Ends early when nobody reads on.
template <class Take, class Print>
exit_code each_row(const search& wanted, terminal& with, Take take, Print print) {
    std::string position;
    while (with.out) {
        const auto rows = wanted.table.find(wanted.whom, wanted.since, position, page_max);
        if (!rows) return fail(with, "ledger", rows.error());
        if (rows->empty()) break;
        for (const auto& one : *rows) take(one.row);
        print();
        position = rows->back().position;
    }
    return exit_code::ok;
}

} // namespace

exit_code run_ledger_find(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const auto whom = parse_sender(given.one("ADDRESS"));
    if (!whom) return fail(with, exit_code::bad_data, given.one("ADDRESS"), describe(whom.error()));
    std::int64_t since = 0;
    if (given.has("--since")) {
        const auto age = conf::parse_duration(given.one("--since"));
        if (!age)
            return fail(with, exit_code::usage, "--since",
                        given.one("--since") + " is not a duration such as 7d, 12h or 30m");
        since = std::time(nullptr) - age->count();
    }
    const state_access state(*settings, with);
    if (state.code != exit_code::ok) return state.code;
    const auto opened = storage::open_lmdb_ledger(settings->server.state_dir, ledger_limits_of(*settings));
    if (!opened) return fail(with, settings->server.state_dir, opened.error());
    const search wanted{**opened, *whom, since};
    if (given.has("--json")) {
        json_list list(with.out, "ledger");
        const auto code =
            each_row(wanted, with, [&](const storage::ledger_row& row) { list.add(row_object(row)); }, [] {});
        list.end();
        return code;
    }
    text_table table(
        {"TIME", "RESULT", "TEST", "CLIENT", "HELO", "LISTENER", "SENDER", "RECIPIENT", "REPLY [CAUSE]"});
    const auto code = each_row(
        wanted, with, [&](const storage::ledger_row& row) { add_row(table, row); },
        [&] { table.print(with.out); });
    table.print(with.out);
    return code;
}

} // namespace postern::server

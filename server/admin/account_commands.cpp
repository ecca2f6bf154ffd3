// postern account and postern limits: what accounts that send have used, who is suspended, and how that ends.
#include "server/admin/ask_server.hpp"
#include "server/admin/control.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/queue_access.hpp"
#include "server/admin/rates_access.hpp"
#include "server/table_terms.hpp"

#include <boost/json/serialize.hpp>
#include <charconv>
#include <ctime>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

rates_access::rates_access(const conf::config& settings, terminal& with)
    : state(settings, with), code(state.code) {
    if (code != exit_code::ok) return;
    const auto& folder = settings.server.state_dir;
    auto opened = storage::open_lmdb_rates(folder, rates_limits_of(settings));
    if (!opened) {
        code = fail(with, folder, opened.error());
        return;
    }
    const auto time = rate_time_now(**opened);
    if (!time) {
        code = fail(with, folder, time.error());
        return;
    }
    now = *time;
    rows = std::move(*opened);
}

std::int64_t rates_access::wall_time_of(policy::rate_seconds when) const {
    return static_cast<std::int64_t>(std::time(nullptr)) + (when - now);
}

std::string account_argument(const arguments& given, terminal& with, exit_code& code) {
    const auto address = protocol::parse_address(given.one("ACCOUNT"));
    if (address) return address->folded();
    code = fail(with, exit_code::bad_data, given.one("ACCOUNT"), describe(address.error()));
    return {};
}

exit_code read_hourly_limit(const arguments& given, std::uint32_t& into, terminal& with) {
    constexpr std::uint32_t limit_max = 1'000'000;
    if (!given.has("--hourly-limit")) return exit_code::ok;
    const auto text = given.one("--hourly-limit");
    std::uint32_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size() || value > limit_max)
        return fail(with, exit_code::bad_data, text, fmt::format("is not a number from 0 to {}", limit_max));
    into = value;
    return exit_code::ok;
}

namespace {

constexpr std::size_t page_max = 1000;

struct account_state {
    policy::account_record record;
    policy::account_signs signs;
    policy::sending_terms terms;
    std::optional<policy::suspended> held;
};

// Everything that is known of it; nothing is said when code stays ok.
std::optional<account_state> look(const std::string& account, const rates_access& rates,
                                  const conf::config& settings, const storage::directory& accounts,
                                  terminal& with, exit_code& code) {
    const auto mailbox = accounts.find_mailbox(account);
    const auto terms = policy::sending_terms_for(account, accounts, settings.submission);
    policy::account_book book(*rates.rows);
    const policy::suspensions suspended(*rates.rows, book);
    const auto record = book.look(account);
    const auto held = suspended.find(account);
    const auto trouble = !mailbox  ? mailbox.error()
                         : !terms  ? terms.error()
                         : !record ? record.error()
                         : !held   ? held.error()
                                   : boost::system::error_code();
    if (trouble) {
        code = fail(with, account, trouble);
        return std::nullopt;
    }
    if (!*mailbox && !*held) {
        code = fail(with, exit_code::no_user, account, "there is no such mailbox");
        return std::nullopt;
    }
    return account_state{*record, policy::signs_of(*record, rates.now), *terms, *held};
}

boost::json::object window_object(const policy::counting_window& window, std::uint32_t limit,
                                  policy::rate_seconds length, const rates_access& rates) {
    const bool open = window.is_open(rates.now, length);
    return {{"used", window.counted(rates.now, length)},
            {"limit", limit},
            {"ends", open ? rates.wall_time_of(window.ends(rates.now, length)) : 0}};
}

std::string window_text(const policy::counting_window& window, std::uint32_t limit,
                        policy::rate_seconds length, const rates_access& rates) {
    auto text = fmt::format("{} of {}", window.counted(rates.now, length),
                            limit == 0 ? std::string("any number") : fmt::format("{}", limit));
    if (window.is_open(rates.now, length))
        text +=
            fmt::format(", until {}", local_time_text(rates.wall_time_of(window.ends(rates.now, length))));
    return text;
}

boost::json::object limits_object(const std::string& account, const account_state& of,
                                  const rates_access& rates) {
    return {
        {"account", shown(account)},
        {"hourly", window_object(of.record.copies, of.terms.copies, of.terms.window, rates)},
        {"first_time", window_object(of.record.first_time, of.terms.first_time, policy::rate_day, rates)}};
}

boost::json::object suspension_object(const std::optional<policy::suspended>& held,
                                      const rates_access& rates) {
    if (!held) return {{"suspended", false}};
    return {{"suspended", true},
            {"since", rates.wall_time_of(held->since)},
            {"by", held->whom == policy::suspended::by::person ? "operator" : "signs"},
            {"reason", shown(held->why)}};
}

std::string sign_text(std::uint32_t count, unsigned limit) {
    return limit == 0 ? fmt::format("{}, no sign", count) : fmt::format("{} of {}", count, limit);
}

void print_account(const std::string& account, const account_state& of, std::size_t held_mail,
                   const conf::suspension_settings& signs, const rates_access& rates, std::ostream& out) {
    const auto line = [&out](std::string_view name, std::string_view text) {
        out << fmt::format("{:<28}{}\n", name, text);
    };
    line("account", shown(account));
    line("suspended", of.held
                          ? fmt::format("since {}: {}", local_time_text(rates.wall_time_of(of.held->since)),
                                        shown(of.held->why))
                          : std::string("no"));
    line("messages in the queue", fmt::format("{}", held_mail));
    line("copies this hour", window_text(of.record.copies, of.terms.copies, of.terms.window, rates));
    line("new recipients today",
         window_text(of.record.first_time, of.terms.first_time, policy::rate_day, rates));
    line("new recipients in an hour", sign_text(of.signs.first_time_hour, signs.first_time_recipients));
    line("networks in a day", sign_text(of.signs.networks, signs.networks));
    line("copies settled, of them failed", fmt::format("{}, {}", of.signs.settled, of.signs.failed));
    line("refused as spam or for a virus", sign_text(of.signs.unwanted, signs.unwanted_messages));
}

// The ids of what the account has in the queue.
exit_code ids_of(const std::string& account, const storage::queue* queue, terminal& with,
                 std::vector<storage::queue_id>& into) {
    storage::queue_id after{};
    while (queue != nullptr) {
        const auto page = queue->list(after, queue_page_max);
        if (!page) return fail(with, "queue", page.error());
        if (!page->last) break;
        after = *page->last;
        for (const auto& message : page->messages)
            if (message.account == account) into.push_back(message.id);
    }
    return exit_code::ok;
}

exit_code steer_all_of(const std::string& account, storage::queue_wish wish, const conf::config& settings,
                       terminal& with) {
    std::vector<storage::queue_id> ids;
    {
        const queue_access queue(settings, with, queue_use::read);
        if (queue.code != exit_code::ok) return queue.code;
        const auto code = ids_of(account, queue.messages.get(), with, ids);
        if (code != exit_code::ok) return code;
    }
    if (ids.empty()) return exit_code::ok;
    return steer_messages(wish, ids, settings, with);
}

} // namespace

exit_code run_limits_show(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    auto code = exit_code::ok;
    const auto account = account_argument(given, with, code);
    if (account.empty()) return code;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const rates_access rates(*settings, with);
    if (!rates.rows) return rates.code;
    const auto of = look(account, rates, *settings, *accounts.tables, with, code);
    if (!of) return code;
    if (given.has("--json")) {
        with.out << boost::json::serialize(limits_object(account, *of, rates)) << '\n';
        return code;
    }
    with.out << fmt::format(
        "copies this hour: {}\nnew recipients today: {}\n",
        window_text(of->record.copies, of->terms.copies, of->terms.window, rates),
        window_text(of->record.first_time, of->terms.first_time, policy::rate_day, rates));
    return code;
}

exit_code run_account_show(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    auto code = exit_code::ok;
    const auto account = account_argument(given, with, code);
    if (account.empty()) return code;
    const open_accounts accounts(*settings, with);
    if (!accounts.tables) return accounts.code;
    const rates_access rates(*settings, with);
    if (!rates.rows) return rates.code;
    const auto of = look(account, rates, *settings, *accounts.tables, with, code);
    if (!of) return code;
    const queue_access queue(*settings, with, queue_use::read);
    std::vector<storage::queue_id> ids;
    if (queue.code != exit_code::ok) return queue.code;
    if (code = ids_of(account, queue.messages.get(), with, ids); code != exit_code::ok) return code;
    if (!given.has("--json")) {
        print_account(account, *of, ids.size(), settings->suspension, rates, with.out);
        return code;
    }
    auto made = limits_object(account, *of, rates);
    made["suspension"] = suspension_object(of->held, rates);
    made["signs"] = boost::json::object{{"first_time_in_hour", of->signs.first_time_hour},
                                        {"networks_in_day", of->signs.networks},
                                        {"settled_in_day", of->signs.settled},
                                        {"failed_in_day", of->signs.failed},
                                        {"unwanted_in_day", of->signs.unwanted}};
    boost::json::array queued;
    for (const auto id : ids) queued.emplace_back(id.to_string());
    made["queued"] = std::move(queued);
    with.out << boost::json::serialize(made) << '\n';
    return code;
}

exit_code run_account_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const rates_access rates(*settings, with);
    if (!rates.rows) return rates.code;
    policy::account_book book(*rates.rows);
    const policy::suspensions suspended(*rates.rows, book);
    std::optional<json_list> list;
    std::optional<text_table> table;
    if (given.has("--json"))
        list.emplace(with.out, "suspended");
    else
        table.emplace(std::vector<std::string>{"ACCOUNT", "SUSPENDED", "BY", "WHY"});
    for (std::string position;;) {
        const auto page = suspended.list(position, page_max);
        if (!page) return fail(with, "accounts", page.error());
        if (page->empty()) break;
        position = page->back().position;
        for (const auto& one : *page) {
            auto row = suspension_object(one.how, rates);
            row["account"] = shown(one.account);
            if (list) list->add(row);
            if (table)
                table->add({shown(one.account), local_time_text(rates.wall_time_of(one.how.since)),
                            std::string(row["by"].as_string()), shown(one.how.why)});
        }
    }
    if (list) list->end();
    if (table) table->print(with.out);
    return exit_code::ok;
}

// The suspension first: what comes meanwhile is refused then, or held when it is due.
exit_code run_account_suspend(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    auto code = exit_code::ok;
    const auto account = account_argument(given, with, code);
    if (account.empty()) return code;
    const auto reason = given.has("--reason") ? given.one("--reason") : std::string("by the operator");
    if (!protocol::is_printable(reason) || reason.size() > policy::reason_max)
        return fail(with, exit_code::bad_data, "reason",
                    fmt::format("is not a line of at most {} octets", policy::reason_max));
    {
        const open_accounts accounts(*settings, with);
        if (!accounts.tables) return accounts.code;
        const rates_access rates(*settings, with);
        if (!rates.rows) return rates.code;
        if (!look(account, rates, *settings, *accounts.tables, with, code)) return code;
        policy::account_book book(*rates.rows);
        policy::suspensions suspended(*rates.rows, book);
        const auto done = suspended.suspend(account, reason, rates.now);
        if (!done) return fail(with, account, done.error());
    }
    with.out << fmt::format("{} is suspended\n", account);
    return steer_all_of(account, storage::queue_wish::hold, *settings, with);
}

exit_code run_account_release(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    auto code = exit_code::ok;
    const auto account = account_argument(given, with, code);
    if (account.empty()) return code;
    const bool purge = given.has("--purge");
    // What is to go goes while the account is still suspended: nothing of it is tried meanwhile.
    if (purge) code = steer_all_of(account, storage::queue_wish::remove, *settings, with);
    if (code != exit_code::ok) return code;
    {
        const rates_access rates(*settings, with);
        if (!rates.rows) return rates.code;
        policy::account_book book(*rates.rows);
        policy::suspensions suspended(*rates.rows, book);
        const auto done = suspended.release(account, rates.now);
        if (!done) return fail(with, account, done.error());
        if (!*done) return fail(with, exit_code::no_user, account, "is not suspended");
    }
    with.out << fmt::format("{} may send again\n", account);
    return purge ? code : steer_all_of(account, storage::queue_wish::release, *settings, with);
}

namespace {

exit_code unblock_alone(const conf::config& settings, const std::string& network, terminal& with) {
    const rates_access rates(settings, with);
    if (!rates.rows) return rates.code;
    policy::guess_brake brake(*rates.rows);
    const auto named = network.empty() ? std::nullopt : protocol::cidr::parse(network);
    const auto lifted = brake.unblock_some(named, policy::guess_terms_of(settings.auth), rates.now);
    if (!lifted) return fail(with, network, lifted.error());
    if (const auto kept = rates.rows->flush(); !kept) return fail(with, network, kept.error());
    with.out << fmt::format("{} network{} unblocked\n", *lifted, *lifted == 1 ? "" : "s");
    return *lifted > 0 || network.empty() ? exit_code::ok
                                          : fail(with, exit_code::no_user, network, "is not blocked");
}

} // namespace

exit_code run_account_unblock(const arguments& given, terminal& with) {
    const std::string network = given.one("NETWORK");
    if (network.empty() != given.has("--all"))
        return fail(with, exit_code::usage, "account unblock", "needs a network, or --all alone");
    if (!network.empty() && !protocol::cidr::parse(network))
        return fail(with, exit_code::bad_data, network,
                    "is not a network, such as 192.0.2.1 or 2001:db8::/64");
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    if (ask_control(settings->admin.socket, R"({"command":"status"})").empty())
        return unblock_alone(*settings, network, with);
    auto code = exit_code::ok;
    const boost::json::object request{{"command", "unblock"}, {"network", network}};
    const auto document = ask_server(*settings, boost::json::serialize(request), with, code);
    if (!document.is_object()) return code;
    const auto* lifted = document.get_object().if_contains("unblocked");
    const auto count = lifted != nullptr && lifted->is_int64() ? lifted->get_int64() : 0;
    with.out << fmt::format("{} network{} unblocked\n", count, count == 1 ? "" : "s");
    return count > 0 || network.empty() ? exit_code::ok
                                        : fail(with, exit_code::no_user, network, "is not blocked");
}

} // namespace postern::server

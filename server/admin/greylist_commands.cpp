// postern greylist: who waits and who passes, read straight from the table, beside a running server or
// without one. A page at a time, so that a million pairs cost no more memory than a thousand.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"
#include "server/table_terms.hpp"

#include "protocol/net/cidr.hpp"

#include <ctime>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t page_max = 500; // pairs read at once
constexpr std::uint8_t whole_v4 = 32;
constexpr std::uint8_t whole_v6 = 128;
constexpr std::uint8_t network_v6 = 64; // what the table counts as one client

struct open_greylist {
    state_access state; // first: outlives the open table
    std::unique_ptr<storage::greylist> table;
    exit_code code = exit_code::ok;

    open_greylist(const conf::config& settings, terminal& with) : state(settings, with), code(state.code) {
        if (code != exit_code::ok) return;
        auto opened = storage::open_lmdb_greylist(settings.server.state_dir, greylist_limits_of(settings));
        if (opened)
            table = std::move(*opened);
        else
            code = fail(with, settings.server.state_dir, opened.error());
    }
};

// How the next attempt of a pair will be answered, and when that ends.
struct standing {
    std::string_view state;
    std::int64_t until = 0; // 0 = no end
};

standing standing_of(const storage::greylist_entry& entry, std::int64_t now,
                     const storage::greylist_terms& terms) {
    const auto judged = storage::judge(entry, now, terms);
    switch (judged.answer) {
    case storage::greylist_answer::first: break;
    case storage::greylist_answer::early: return {"waiting", judged.entry.first + terms.delay};
    case storage::greylist_answer::pass:
    case storage::greylist_answer::pass_crowd:
        // A time that lies ahead, because the clock was set back, counts as now.
        return {"passes", std::min(storage::expiry_of(entry, terms), now + terms.window)};
    }
    return {"expired", 0};
}

std::string standing_text(const standing& how) {
    if (how.until == 0) return std::string(how.state);
    return fmt::format("{} until {}", how.state, local_time_text(how.until));
}

std::string sender_text(const std::string& sender) { return "<" + shown(sender) + ">"; }

std::string client_text(const protocol::ip_address& client) {
    return client.is_v4() ? client.to_string() : fmt::format("{}/{}", client.to_string(), network_v6);
}

boost::json::object row_object(const storage::greylist_row& row, std::int64_t now,
                               const storage::greylist_terms& terms) {
    const auto how = standing_of(row.entry, now, terms);
    return {{"sender", shown(row.key.sender)},
            {"client", client_text(row.key.client)},
            {"state", how.state},
            {"until", how.until},
            {"first", row.entry.first},
            {"last_pass", row.entry.last_pass.value_or(0)}};
}

// The sender stands last: it alone has no width of its own, and widths can't wait for the last page.
void print_line(std::string_view client, std::string_view state, std::string_view first,
                std::string_view last_pass, std::string_view sender, std::ostream& out) {
    out << fmt::format("{:<24}  {:<33}  {:<19}  {:<19}  {}\n", client, state, first, last_pass, sender);
}

void print_row(const storage::greylist_row& row, std::int64_t now, const storage::greylist_terms& terms,
               std::ostream& out) {
    print_line(client_text(row.key.client), standing_text(standing_of(row.entry, now, terms)),
               local_time_text(row.entry.first),
               row.entry.last_pass ? local_time_text(*row.entry.last_pass) : "-", sender_text(row.key.sender),
               out);
}

// Calls `print` for each pair; each page is its own read transaction, over before anything is printed. Ends
// early when nobody reads on.
template <class Print> exit_code each_row(const storage::greylist& table, terminal& with, Print print) {
    std::string position;
    while (with.out) {
        const auto rows = table.list(position, page_max);
        if (!rows) return fail(with, "greylist", rows.error());
        if (rows->empty()) break;
        for (const auto& row : *rows) print(row);
        position = rows->back().position;
    }
    return exit_code::ok;
}

// An address, or a client as the list shows it.
std::optional<protocol::ip_address> parse_client(const std::string& text) {
    const auto network = protocol::cidr::parse(text);
    if (!network) return std::nullopt;
    const auto prefix = network->prefix();
    const bool is_client =
        network->address().is_v4() ? prefix == whole_v4 : prefix == whole_v6 || prefix == network_v6;
    return is_client ? std::optional(network->address()) : std::nullopt;
}

exit_code read_pair(const arguments& given, storage::greylist_key& key, terminal& with) {
    const auto sender = parse_sender(given.one("SENDER"));
    if (!sender) return fail(with, exit_code::bad_data, given.one("SENDER"), describe(sender.error()));
    const auto client = parse_client(given.one("IP"));
    if (!client)
        return fail(with, exit_code::bad_data, given.one("IP"),
                    "is not the address of one client, such as 192.0.2.1 or 2001:db8::1");
    key = storage::greylist_key_of(*sender, *client);
    return exit_code::ok;
}

std::string pair_text(const storage::greylist_key& key) {
    return fmt::format("{} from {}", sender_text(key.sender), client_text(key.client));
}

} // namespace

exit_code run_greylist_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const open_greylist greylist(*settings, with);
    if (!greylist.table) return greylist.code;
    const auto terms = greylist_terms_of(*settings);
    const std::int64_t now = std::time(nullptr);
    if (given.has("--json")) {
        json_list list(with.out, "greylist");
        const auto code = each_row(*greylist.table, with, [&](const storage::greylist_row& row) {
            list.add(row_object(row, now, terms));
        });
        list.end();
        return code;
    }
    print_line("CLIENT", "STATE", "FIRST ATTEMPT", "LAST PASS", "SENDER", with.out);
    return each_row(*greylist.table, with,
                    [&](const storage::greylist_row& row) { print_row(row, now, terms, with.out); });
}

exit_code run_greylist_allow(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    storage::greylist_key key;
    if (const auto code = read_pair(given, key, with); code != exit_code::ok) return code;
    const open_greylist greylist(*settings, with);
    if (!greylist.table) return greylist.code;
    const std::int64_t now = std::time(nullptr);
    if (const auto allowed = greylist.table->allow(key, now); !allowed)
        return fail(with, pair_text(key), allowed.error());
    with.out << fmt::format("{} passes until {}\n", pair_text(key),
                            local_time_text(now + greylist_terms_of(*settings).window));
    return exit_code::ok;
}

exit_code run_greylist_remove(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    storage::greylist_key key;
    if (const auto code = read_pair(given, key, with); code != exit_code::ok) return code;
    const open_greylist greylist(*settings, with);
    if (!greylist.table) return greylist.code;
    const auto removed = greylist.table->remove(key);
    if (!removed) return fail(with, pair_text(key), removed.error());
    return *removed ? exit_code::ok
                    : fail(with, exit_code::no_user, pair_text(key), "is not in the greylist");
}

} // namespace postern::server

// postern explain: why would this be refused? Runs in the command's own process, with its own questions to
// DNS, so that it needs no server. What a running one remembers of DNS it does not know.
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"
#include "server/awaiting.hpp"
#include "server/clock.hpp"
#include "server/explanation.hpp"
#include "server/lmtp_room.hpp"
#include "server/local_target.hpp"
#include "server/message_trial.hpp"
#include "server/resolver.hpp"
#include "server/scanning/once.hpp"
#include "server/side_tasks.hpp"
#include "server/spam_engine.hpp"
#include "server/table_terms.hpp"

#include "conf/settings.hpp"
#include "policy/rule_book.hpp"
#include "policy/zone_health.hpp"
#include "storage/file_env.hpp"
#include "storage/srs_secrets.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <ostream>

namespace postern::server {

namespace {

// Nobody else is kept waiting here, so the disk is asked at once. An LMTP server is asked as a session does.
class room_at_once final : public policy::mailbox_room {
  public:
    explicit room_at_once(const conf::config& config) : config_(config) {}
    boost::asio::awaitable<result<bool>> has_room(storage::final_recipient box,
                                                  std::uint64_t octets) override {
        if (auto server = conf::parse_lmtp(config_.local.transport)) {
            auto asking = servers_.has_room(std::move(*server), identity_of(config_), std::move(box.address));
            const bool answer = co_await std::move(asking);
            co_return result<bool>(boost::system::in_place_value, answer);
        }
        const auto where = local_target(config_, box.address, box.quota);
        co_return storage::maildir_has_room(storage::system_files(), where, octets);
    }

  private:
    const conf::config& config_;
    lmtp_room servers_;
};

// Everything that is in the message is to be shown.
class look_once final : public policy::message_scanner {
  public:
    look_once(const conf::config& config, const explain_subject& about, boost::asio::any_io_executor on)
        : config_(config), about_(about), engine_(std::move(on)) {}
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order asked) override {
        asked.everything = true;
        co_return scanning::scan_once(config_, message(), std::move(asked));
    }
    boost::asio::awaitable<policy::engine_opinion> ask_engine(std::string host_name) override {
        rspamd_question what;
        what.head = message();
        if (about_.sender) what.sender = about_.sender->to_string();
        what.recipients.push_back(about_.recipient.to_string());
        what.client = about_.client.to_string();
        what.helo = about_.helo;
        what.host_name = std::move(host_name);
        return engine_.ask(config_.spam, std::move(what));
    }

  private:
    std::string message() const { return about_.message.value_or(std::string()); }
    const conf::config& config_;
    const explain_subject about_; // its own: the command gives its one away
    spam_engine engine_;
};

// What is over the listener's limit is refused whatever else it holds, and isn't read to its end.
exit_code read_message(const arguments& given, explain_subject& into, terminal& with) {
    if (!given.has("--message")) return exit_code::ok;
    constexpr std::size_t piece = 64 * 1024;
    const auto path = given.one("--message");
    std::ifstream file(path, std::ios::binary);
    std::string content;
    while (file && content.size() <= into.listener.max_message_size) {
        const auto before = content.size();
        content.resize(before + piece);
        file.read(content.data() + before, piece);
        content.resize(before + static_cast<std::size_t>(file.gcount()));
    }
    if (!file.eof() && content.size() <= into.listener.max_message_size)
        return fail(with, exit_code::bad_data, path, "can't be read");
    into.message = with_line_ends(std::move(content));
    return exit_code::ok;
}

// Who authenticated. On a submission listener nobody else sends.
exit_code read_account(const arguments& given, explain_subject& into, terminal& with) {
    const bool needed = into.listener.role == conf::listener_role::submission;
    if (!given.has("--account"))
        return needed ? fail(with, exit_code::usage, into.listener.name,
                             "is for people who authenticate; say as whom: --account ADDRESS")
                      : exit_code::ok;
    if (!needed && !into.listener.auth)
        return fail(with, exit_code::usage, into.listener.name,
                    "lets nobody authenticate; leave --account out, or name a submission listener");
    const auto address = protocol::parse_address(given.one("--account"));
    if (!address) return fail(with, exit_code::bad_data, given.one("--account"), describe(address.error()));
    into.account = address->folded();
    return exit_code::ok;
}

// The subject as the command line names it; the error was said when it is not ok.
exit_code read_subject(const arguments& given, const conf::config& config, explain_subject& into,
                       terminal& with) {
    for (const char* needed : {"--listener", "--client", "--from", "--to"})
        if (!given.has(needed))
            return fail(with, exit_code::usage, "usage",
                        std::string(needed) + " is missing; see postern explain --help");
    const auto listener =
        std::ranges::find(config.listeners, given.one("--listener"), &conf::listener_settings::name);
    if (listener == config.listeners.end()) {
        std::vector<std::string> names;
        for (const auto& row : config.listeners) names.push_back(row.name);
        return fail(with, exit_code::usage, given.one("--listener"),
                    fmt::format("is no listener; there are: {}", fmt::join(names, ", ")));
    }
    into.listener = *listener;
    if (const auto code = read_account(given, into, with); code != exit_code::ok) return code;
    const auto client = protocol::ip_address::parse(given.one("--client"));
    if (!client)
        return fail(with, exit_code::bad_data, given.one("--client"),
                    "is no IP address, such as 192.0.2.1 or 2001:db8::1");
    into.client = *client;
    auto sender = parse_sender(given.one("--from"));
    if (!sender) return fail(with, exit_code::bad_data, given.one("--from"), describe(sender.error()));
    into.sender = std::move(*sender);
    auto recipient = protocol::parse_address(given.one("--to"));
    if (!recipient) return fail(with, exit_code::bad_data, given.one("--to"), describe(recipient.error()));
    into.recipient = std::move(*recipient);
    into.helo = given.has("--helo") ? given.one("--helo") : into.client.to_literal();
    return read_message(given, into, with);
}

boost::asio::awaitable<void> examine_zone(policy::zone_health& health, dns_resolver& dns,
                                          policy::tasks& beside, std::chrono::milliseconds timeout,
                                          std::string zone) {
    auto asking = policy::trouble_of_zone(dns, beside, dns.deadline(timeout), zone);
    std::string trouble = co_await std::move(asking);
    health.note(zone, std::move(trouble));
}

boost::asio::awaitable<void> answer_into(std::optional<explanation>& made, dns_resolver& dns,
                                         explain_subject about, std::shared_ptr<const conf::config> config,
                                         policy::services ask) {
    auto asking = explain(std::move(about), std::move(config), std::move(ask), now_seconds());
    made = co_await std::move(asking);
    dns.stop(); // what nobody waits for any more
}

// All the tables and the loop that the tests ask, for one question.
exit_code find_out(const std::shared_ptr<const conf::config>& config, explain_subject about,
                   std::optional<explanation>& made, terminal& with) {
    const open_rules tables(*config, with);
    if (!tables.tables) return tables.accounts.tables ? tables.code : tables.accounts.code;
    std::unique_ptr<storage::greylist> greylist;
    if (about.listener.role == conf::listener_role::secondary) {
        auto opened = storage::open_lmdb_greylist(config->server.state_dir, greylist_limits_of(*config));
        if (!opened) return fail(with, config->server.state_dir, opened.error());
        greylist = std::move(*opened);
    }
    room_at_once room(*config);
    policy::rule_book rules(*tables.tables);
    policy::zone_health zones;
    dns_counts counts;
    boost::asio::io_context loop(1);
    dns_resolver dns(loop.get_executor(), resolver_settings_of(config->dns), counts);
    side_tasks beside(loop.get_executor());
    look_once scanner(*config, about, loop.get_executor());
    about.scanner = &scanner;
    std::string escaped;
    const auto note = [&escaped](std::string_view what) { escaped = what; };
    for (const auto& zone : config->dnsbl.zones)
        spawn(loop.get_executor(), examine_zone(zones, dns, beside, config->dns.timeout, zone.name), note);
    loop.run();
    loop.restart();
    const auto taught = storage::open_lmdb_tokens(config->server.state_dir, tokens_limits_of(*config));
    if (!taught) return fail(with, config->server.state_dir, taught.error());
    policy::services ask{*tables.accounts.tables, room,    dns,          beside, rules, zones,
                         greylist.get(),          nullptr, taught->get()};
    const auto identities = storage::open_lmdb_identities(tables.accounts.environment);
    if (!identities) return fail(with, config->server.state_dir, identities.error());
    ask.identities = identities->get();
    // The server makes them at its first start; until then no address stands for another.
    const auto secrets = storage::read_srs_secrets(storage::system_files(), config->server.state_dir);
    if (!secrets && secrets.error() != storage::storage_errc::not_found)
        return fail(with, config->server.state_dir + "/srs_secrets", secrets.error());
    std::optional<policy::sender_rewriter> srs;
    if (secrets) ask.srs = &srs.emplace(*secrets);
    spawn(loop.get_executor(), answer_into(made, dns, std::move(about), config, ask), note);
    loop.run();
    return made ? exit_code::ok : fail(with, exit_code::software, "explain", escaped);
}

// Without their ends.
std::vector<std::string> lines_of(std::string_view field) {
    std::vector<std::string> lines;
    while (!field.empty()) {
        const auto end = std::min(field.find('\n'), field.size());
        auto line = field.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        std::string text(line);
        std::ranges::replace(text, '\t', ' ');
        lines.push_back(std::move(text));
        field.remove_prefix(std::min(end + 1, field.size()));
    }
    return lines;
}

std::string milliseconds(std::chrono::microseconds took) {
    return fmt::format("{:.1f} ms", static_cast<double>(took.count()) / 1000);
}

std::string_view answer_of(const policy::verdict& said) {
    if (said.passed()) return "accept";
    return said.what == policy::verdict::kind::defer ? "defer" : "refuse";
}

std::string reason_text(const explained_test& one) {
    if (one.reply.empty()) return shown(one.reason);
    return shown(one.reply) + (one.reason.empty() ? "" : " [" + shown(one.reason) + "]");
}

void print_fields(std::string_view head, const std::vector<std::string>& fields, std::ostream& out) {
    if (!fields.empty()) out << head << '\n';
    for (const auto& field : fields)
        for (const auto& line : lines_of(field)) out << "  " << shown(line) << '\n';
}

// Nothing in it is trusted to be text.
void print_scan(const explanation& made, std::ostream& out) {
    if (!made.scan) return;
    if (!made.scan->found) {
        out << fmt::format("\nIt could not be looked into: {}\n", shown(made.scan->trouble));
        return;
    }
    out << '\n';
    text_table inside({"INSIDE", "WHERE", "DETAIL"});
    for (const auto& one : made.scan->found->all)
        inside.add({shown(one.what), shown(one.where), shown(one.detail)});
    inside.print(out);
    if (made.scan->found->findings.empty()) return;
    out << '\n';
    text_table found({"FINDING", "WHERE", "WHAT"});
    for (const auto& one : made.scan->found->findings)
        found.add(
            {std::string(name_of(one.kind)), one.where.empty() ? "-" : shown(one.where), shown(one.what)});
    found.print(out);
}

boost::json::value scan_object(const policy::scan_outcome& scan) {
    if (!scan.found) return {{"trouble", shown(scan.trouble)}};
    boost::json::array inside, findings;
    for (const auto& one : scan.found->all)
        inside.push_back(
            {{"what", shown(one.what)}, {"where", shown(one.where)}, {"detail", shown(one.detail)}});
    for (const auto& one : scan.found->findings)
        findings.push_back(
            {{"kind", name_of(one.kind)}, {"where", shown(one.where)}, {"what", shown(one.what)}});
    return {{"inside", std::move(inside)}, {"findings", std::move(findings)}};
}

void print_text(const explain_subject& about, const explanation& made, std::ostream& out) {
    const std::string from = about.sender ? shown(about.sender->to_string()) : std::string();
    out << fmt::format("From <{}> to <{}>, by {} ({}) at {}, tier {}\n\n", from,
                       shown(about.recipient.to_string()), about.client.to_string(), shown(about.helo),
                       about.listener.name, made.tier.empty() ? "-" : made.tier);
    text_table table({"TEST", "MODE", "VERDICT", "TIME", "REASON"});
    for (const auto& one : made.tests) {
        const bool was_asked = one.verdict != "skipped" && one.verdict != "not reached";
        table.add({std::string(one.test), std::string(one.mode), std::string(one.verdict),
                   was_asked ? milliseconds(one.took) : "-", reason_text(one)});
    }
    table.print(out);
    const auto said = made.said.passed() ? "accepted" : shown(reply_line(made.said.with));
    out << fmt::format("\nRCPT: {}\n", made.recipient_taken ? "accepted" : said);
    if (!made.message) return;
    out << fmt::format("Message: {}\n", said);
    print_fields("Left out, for they pretend to be ours:", made.message->removed, out);
    print_fields("Added:", made.message->added, out);
    print_scan(made, out);
}

// Each unfolded.
boost::json::array fields_array(const std::vector<std::string>& fields) {
    boost::json::array made;
    for (const auto& field : fields) {
        std::string text;
        for (const auto& line : lines_of(field)) text += line;
        made.emplace_back(shown(text));
    }
    return made;
}

void print_json(const explain_subject& about, const explanation& made, std::ostream& out) {
    boost::json::array tests;
    for (const auto& one : made.tests)
        tests.push_back({{"test", one.test},
                         {"mode", one.mode},
                         {"verdict", one.verdict},
                         {"reply", shown(one.reply)},
                         {"reason", shown(one.reason)},
                         {"microseconds", one.took.count()}});
    boost::json::object whole{
        {"listener", about.listener.name},
        {"client", about.client.to_string()},
        {"helo", shown(about.helo)},
        {"sender", about.sender ? shown(about.sender->to_string()) : std::string()},
        {"recipient", shown(about.recipient.to_string())},
        {"tier", made.tier},
        {"tests", std::move(tests)},
        {"verdict", answer_of(made.said)},
        {"reply", made.said.passed() ? std::string() : shown(reply_line(made.said.with))}};
    if (made.message)
        whole["message"] = {{"size", made.message->size},
                            {"removed", fields_array(made.message->removed)},
                            {"added", fields_array(made.message->added)}};
    if (made.scan) whole["scan"] = scan_object(*made.scan);
    out << boost::json::serialize(whole) << '\n';
}

} // namespace

exit_code run_explain(const arguments& given, terminal& with) {
    const auto config = read_config(given, with);
    if (!config) return exit_code::config;
    explain_subject about;
    if (const auto code = read_subject(given, *config, about, with); code != exit_code::ok) return code;
    std::optional<explanation> made;
    if (const auto code = find_out(config, about, made, with); code != exit_code::ok) return code;
    if (given.has("--json"))
        print_json(about, *made, with.out);
    else
        print_text(about, *made, with.out);
    return exit_code::ok;
}

} // namespace postern::server

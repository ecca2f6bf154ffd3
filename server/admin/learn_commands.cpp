// postern learn: what users call junk, and what not, for the next messages. Meant for a pipe, such as
// Dovecot's imapsieve (docs/antispam.md). The table is written beside a running server or without one.
#include "server/admin/learn_commands.hpp"

#include "policy/spam/lesson.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/support.hpp"
#include "server/scanning/once.hpp"
#include "server/table_terms.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <istream>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::size_t message_max = 64 * 1024 * 1024; // octets
constexpr std::int64_t day = 24 * 60 * 60;

// One octet more than a message may have says that it is too long.
std::string read_message(std::istream& in) {
    std::string message;
    char piece[65536];
    while (message.size() <= message_max && in) {
        in.read(piece, sizeof piece);
        message.append(piece, static_cast<std::size_t>(in.gcount()));
    }
    return message;
}

// "" = the server, else the mailbox, which must be there.
exit_code find_owner(const arguments& given, const conf::config& settings, std::string& owner,
                     terminal& with) {
    if (!given.has("--mailbox")) return exit_code::ok;
    const auto address = protocol::parse_address(given.one("--mailbox"));
    if (!address) return fail(with, exit_code::bad_data, given.one("--mailbox"), describe(address.error()));
    const open_accounts accounts(settings, with);
    if (!accounts.tables) return accounts.code;
    const auto known = accounts.tables->find_mailbox(address->folded());
    if (!known) return fail(with, address->folded(), known.error());
    if (!*known) return fail(with, exit_code::no_user, address->folded(), "there is no such mailbox");
    owner = address->folded();
    return exit_code::ok;
}

std::string_view name_of(storage::lesson_answer answer) {
    switch (answer) {
    case storage::lesson_answer::learned: break;
    case storage::lesson_answer::known: return "known";
    case storage::lesson_answer::moved: return "moved";
    }
    return "learned";
}

std::string sentence(storage::lesson_answer answer, const std::string& kind) {
    switch (answer) {
    case storage::lesson_answer::learned: break;
    case storage::lesson_answer::known: return fmt::format("was learned as {} before", kind);
    case storage::lesson_answer::moved:
        return fmt::format("learned as {}, and no longer as {}", kind, kind == "spam" ? "ham" : "spam");
    }
    return fmt::format("learned as {}", kind);
}

void tell(const arguments& given, const std::string& owner, storage::lesson_answer answer,
          const storage::token_counts& messages, terminal& with) {
    const auto kind = given.one("KIND");
    if (given.has("--json")) {
        const boost::json::object told{{"kind", kind},
                                       {"mailbox", shown(owner)},
                                       {"result", name_of(answer)},
                                       {"spam", messages.spam},
                                       {"ham", messages.ham}};
        with.out << boost::json::serialize(told) << '\n';
        return;
    }
    with.out << fmt::format("{} ({} of spam and {} of ham are known{}{})\n", sentence(answer, kind),
                            messages.spam, messages.ham, owner.empty() ? "" : " to ", shown(owner));
}

// By a scanner that is started for it.
result<protocol::scan::facts, std::string> run_scanner_once(const conf::config& settings,
                                                            std::string_view message) {
    protocol::scan::order asked;
    asked.facts = true;
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(settings.scanner.timeout);
    asked.milliseconds = static_cast<std::uint32_t>(time.count());
    auto outcome = scanning::scan_once(settings, message, std::move(asked));
    if (!outcome.found) return {boost::system::in_place_error, std::move(outcome.trouble)};
    return std::move(outcome.found->about);
}

} // namespace

exit_code learn_message(const arguments& given, terminal& with, const facts_source& read) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    std::string owner;
    if (const auto code = find_owner(given, *settings, owner, with); code != exit_code::ok) return code;
    const std::string message = read_message(with.in);
    if (message.empty()) return fail(with, exit_code::bad_data, "stdin", "there is no message");
    if (message.size() > message_max)
        return fail(with, exit_code::bad_data, "stdin", "the message has more than 64 MiB");
    const auto facts = read(*settings, message);
    if (!facts) return fail(with, exit_code::unavailable, "scanner", facts.error());
    if (facts->tokens.empty()) return fail(with, exit_code::bad_data, "stdin", "the message has no words");

    const state_access state(*settings, with);
    if (state.code != exit_code::ok) return state.code;
    const auto& state_dir = settings->server.state_dir;
    auto taught = storage::open_lmdb_tokens(state_dir, tokens_limits_of(*settings));
    if (!taught) return fail(with, state_dir, taught.error());
    const auto as = given.one("KIND") == "spam" ? storage::lesson::spam : storage::lesson::ham;
    const auto learned = (*taught)->learn(owner, as, policy::spam::message_digest(facts->tokens),
                                          facts->tokens, std::time(nullptr) / day);
    if (!learned) return fail(with, "what was learned", learned.error());
    const auto now = (*taught)->find(owner, {});
    if (!now) return fail(with, "what was learned", now.error());
    tell(given, owner, *learned, now->messages, with);
    return exit_code::ok;
}

exit_code run_learn(const arguments& given, terminal& with) {
    return learn_message(given, with, &run_scanner_once);
}

} // namespace postern::server

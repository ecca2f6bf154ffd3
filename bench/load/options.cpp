// One row a key: the help, the command line and the scenario files all read this table.
#include "bench/load/options.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

namespace postern::bench {
namespace {

using setter = bool (*)(options&, std::string_view); // false: no such value

struct row {
    std::string_view key;
    std::string_view value; // what the help calls it; "" = a switch
    setter set;
    std::string_view help;
};

bool read_number(std::string_view text, std::uint64_t& into) {
    std::uint64_t unit = 1;
    if (text.ends_with('k')) unit = 1024;
    if (text.ends_with('M')) unit = 1024 * 1024;
    if (unit > 1) text.remove_suffix(1);
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size()) return false;
    return !__builtin_mul_overflow(number, unit, &into);
}

template <std::uint64_t options::* Member> bool number(options& into, std::string_view text) {
    return read_number(text, into.*Member);
}

template <std::string options::* Member> bool string(options& into, std::string_view text) {
    into.*Member = text;
    return !text.empty();
}

template <bool options::* Member> bool flag(options& into, std::string_view text) {
    into.*Member = text != "false";
    return text.empty() || text == "true" || text == "false";
}

template <load_mode Mode> bool mode(options& into, std::string_view text) {
    into.mode = Mode;
    return text.empty() || text == "true";
}

bool set_idle(options& into, std::string_view text) {
    into.mode = load_mode::idle;
    return read_number(text, into.idle);
}

bool set_tls(options& into, std::string_view text) {
    if (text == "off")
        into.tls = load_tls::off;
    else if (text == "starttls")
        into.tls = load_tls::starttls;
    else if (text == "implicit")
        into.tls = load_tls::implicit;
    else
        return false;
    return true;
}

bool set_recipients(options& into, std::string_view text) {
    into.to.clear();
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) into.to.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return !into.to.empty();
}

constexpr row rows[] = {
    {"server", "HOST:PORT", string<&options::server>, "where to connect; also as the only bare word"},
    {"name", "TEXT", string<&options::name>, "a title for the report"},
    {"sessions", "N", number<&options::sessions>, "sessions at the same time"},
    {"messages", "N", number<&options::messages>, "messages in all, shared by the sessions"},
    {"per-session", "N", number<&options::per_session>, "messages of one connection; 1 = a connection each"},
    {"seconds", "S", number<&options::seconds>, "begin nothing new after this time"},
    {"size", "OCTETS", number<&options::size>, "of each message, header included (10k, 10M)"},
    {"from", "ADDRESS", string<&options::from>, "the envelope sender"},
    {"to", "ADDRESS,...", set_recipients, "the recipient; of several, each message takes the next one"},
    {"helo", "NAME", string<&options::helo>, "the name after EHLO"},
    {"pipelining", "", flag<&options::pipelining>, "MAIL, RCPT and DATA in one piece"},
    {"chunking", "", flag<&options::chunking>, "BDAT instead of DATA"},
    {"tls", "WHEN", set_tls, "off, starttls or implicit"},
    {"groups", "NAMES", string<&options::groups>, "key exchange groups that are offered, OpenSSL's names"},
    {"resume", "", flag<&options::resume>, "offer the TLS session of the last handshake again"},
    {"reject", "", mode<load_mode::reject>, "a RCPT that must get 550, and QUIT, is what is measured"},
    {"handshakes", "", mode<load_mode::handshake>, "EHLO, with TLS its handshake, and QUIT are measured"},
    {"idle", "S", set_idle, "open all sessions, hold them for S seconds, send nothing"},
    {"opening", "N", number<&options::opening>, "sessions that may wait for their greeting at the same time"},
    {"until-loss", "", flag<&options::until_loss>, "begin nothing new once a session was lost"},
    {"threads", "N", number<&options::threads>,
     "that share the sessions; one is enough for long connections"},
    {"timeout", "S", number<&options::timeout>, "a server silent for so long has lost the session"},
    {"json", "FILE", string<&options::json>, "everything that was counted"},
    {"svg", "FILE", string<&options::svg>, "the rate over time, and the latencies, drawn"},
    {"ledger", "FILE", string<&options::ledger>,
     "each accepted message: its Message-ID and queue id, as it happens"},
    {"quiet", "", flag<&options::quiet>, "no progress line"},
};

const row* find_row(std::string_view key) {
    const auto* const found =
        std::find_if(std::begin(rows), std::end(rows), [&](const row& one) { return one.key == key; });
    return found == std::end(rows) ? nullptr : found;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

option_result<void> set(options& into, const row& which, std::string_view value) {
    if (which.set(into, value)) return {};
    return bad_option{fmt::format("--{}: `{}` is none of its values: {}", which.key, value, which.help)};
}

option_result<void> read_scenario_file(const std::string& path, options& into) {
    std::ifstream file(path);
    if (!file) return bad_option{fmt::format("{}: cannot be read", path)};
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return read_scenario(text, path, into);
}

// Takes the option at the front of `words`, and its value.
option_result<void> read_option(std::span<const std::string>& words, options& into) {
    std::string_view key = words[0];
    words = words.subspan(1);
    if (!key.starts_with("--")) {
        into.server = key;
        return {};
    }
    key.remove_prefix(2);
    const row* const which = find_row(key);
    if (which == nullptr && key != "scenario")
        return bad_option{fmt::format("--{}: there is no such option", key)};
    if (which != nullptr && which->value.empty()) return set(into, *which, "");
    if (words.empty()) return bad_option{fmt::format("--{}: its value is missing", key)};
    const std::string& value = words[0];
    words = words.subspan(1);
    return which == nullptr ? read_scenario_file(value, into) : set(into, *which, value);
}

constexpr std::uint64_t threads_max = 64;

option_result<void> check(const options& wanted) {
    if (wanted.sessions == 0) return bad_option{"--sessions: at least one"};
    if (wanted.mode != load_mode::idle && wanted.messages == 0 && wanted.seconds == 0)
        return bad_option{"when should it end? give --messages or --seconds"};
    if (wanted.threads == 0 || wanted.threads > threads_max)
        return bad_option{fmt::format("--threads: 1 to {}", threads_max)};
    for (const auto part : {wanted.sessions, wanted.messages, wanted.opening})
        if (part != 0 && part < wanted.threads)
            return bad_option{"--threads: no more than --sessions, --messages and --opening"};
    if (wanted.threads > 1 && wanted.until_loss)
        return bad_option{"--until-loss: with one thread; the others would not know of the loss"};
    if (wanted.timeout == 0) return bad_option{"--timeout: at least one second"};
    return {};
}

} // namespace

void throw_exception_from_error(const bad_option& what, const boost::source_location& /*where*/) {
    throw std::runtime_error(what.text);
}

option_result<void> read_scenario(std::string_view text, const std::string& origin, options& into) {
    for (unsigned number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            return bad_option{fmt::format("{}:{}: a line is `key = value`", origin, number)};
        const std::string_view key = trimmed(line.substr(0, equals));
        const row* const which = find_row(key);
        if (which == nullptr)
            return bad_option{fmt::format("{}:{}: there is no key `{}`", origin, number, key)};
        if (const auto done = set(into, *which, trimmed(line.substr(equals + 1))); !done)
            return bad_option{fmt::format("{}:{}: {}", origin, number, done.error().text)};
    }
    return {};
}

option_result<options> read_options(const std::vector<std::string>& words) {
    options made;
    for (std::span<const std::string> rest = words; !rest.empty();) {
        if (const auto taken = read_option(rest, made); !taken) return taken.error();
    }
    if (const auto sound = check(made); !sound) return sound.error();
    return made;
}

options share_of(const options& whole, std::uint64_t thread) {
    options made = whole;
    for (auto* const each : {&made.sessions, &made.messages, &made.opening})
        *each = *each / whole.threads + (thread < *each % whole.threads ? 1 : 0);
    made.quiet = whole.quiet || thread != 0;
    return made;
}

std::string options_help() {
    std::string text = "usage: smtp_load [--scenario FILE] [OPTION...] HOST:PORT\n\n"
                       "A scenario holds the same keys, one a line: `sessions = 100`.\n\n";
    for (const row& one : rows)
        text += fmt::format("  {:26} {}\n", fmt::format("--{} {}", one.key, one.value), one.help);
    return text;
}

} // namespace postern::bench

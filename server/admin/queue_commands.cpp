// postern queue: what waits, read straight from the queue, beside a running server or without one. A page at
// a time, so that a queue of a million messages costs no more memory than one of a thousand.
#include "server/admin/handlers.hpp"
#include "server/admin/queue_access.hpp"
#include "server/admin/queue_filter.hpp"

#include "conf/settings.hpp"
#include "storage/queue.hpp"
#include "storage/spool_file.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <fmt/format.h>
#include <limits>
#include <ostream>

namespace postern::server {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

std::string_view state_name(storage::recipient_state state) {
    switch (state) {
    case storage::recipient_state::waiting: return "waiting";
    case storage::recipient_state::delivered: return "delivered";
    case storage::recipient_state::failed: return "failed";
    case storage::recipient_state::aside: return "set aside";
    case storage::recipient_state::untold: return "to be told";
    }
    return "waiting";
}

std::string_view proof_name(storage::sender_proof proof) {
    switch (proof) {
    case storage::sender_proof::unknown: return "unknown";
    case storage::sender_proof::proved: return "proved";
    case storage::sender_proof::unproved: return "unproved";
    }
    return "unknown";
}

std::string_view route_name(storage::recipient_route route) {
    return route == storage::recipient_route::local ? "local" : "outside";
}

boost::json::object recipient_object(const storage::queued_recipient& recipient) {
    return {{"address", shown(recipient.address)},  {"original", shown(recipient.original)},
            {"route", route_name(recipient.route)}, {"junk", recipient.junk},
            {"state", state_name(recipient.state)}, {"tries", recipient.tries},
            {"next_try", recipient.next_try},       {"last_reply", shown(recipient.last_reply)}};
}

// Of header fields, each as it can be shown.
std::vector<std::string> lines_of(std::string_view fields) {
    std::vector<std::string> lines;
    while (!fields.empty()) {
        const auto end = std::min(fields.find("\r\n"), fields.size());
        std::string line(fields.substr(0, end));
        std::ranges::replace(line, '\t', ' '); // of a folded one
        lines.push_back(shown(line));
        fields.remove_prefix(std::min(end + 2, fields.size()));
    }
    return lines;
}

boost::json::object message_object(const storage::queued_message& message, std::int64_t now) {
    const std::int64_t arrived = message.arrived / microseconds;
    boost::json::array recipients, fields;
    for (auto& line : lines_of(message.result_fields)) fields.emplace_back(std::move(line));
    for (const auto& recipient : message.recipients) recipients.push_back(recipient_object(recipient));
    return {{"id", message.id.to_string()},
            {"size", message.size},
            {"arrived", arrived},
            {"age", now - arrived},
            {"sender", shown(message.sender)},
            {"held", message.held},
            {"result_fields", std::move(fields)},
            {"recipients", std::move(recipients)}};
}

std::string body_location(const storage::queued_message& message, const storage::queue& in,
                          const std::string& state_dir) {
    if (!message.body_in_file) return "in the queue";
    const auto place = in.place_of(message.id);
    if (!place) return place.error().message();
    const std::string path = state_dir + "/bodies/" + place->path;
    return place->alone ? path : fmt::format("{}, from octet {} on", path, place->offset);
}

std::string next_text(const storage::queued_message& message, const storage::queued_recipient& recipient,
                      std::int64_t now) {
    if (recipient.state != storage::recipient_state::waiting) return "-";
    if (message.held) return "held";
    return recipient.next_try <= now ? std::string("now") : "in " + age_text(recipient.next_try - now);
}

void print_recipient(const storage::queued_message& message, const storage::queued_recipient& recipient,
                     std::int64_t now, std::ostream& out) {
    out << fmt::format("    {:<32}  {:<9}  tries {:<3}  next {:<7}", shown(recipient.address),
                       state_name(recipient.state), recipient.tries, next_text(message, recipient, now));
    if (recipient.junk) out << "  into Junk";
    if (!recipient.last_reply.empty()) out << "  " << shown(recipient.last_reply);
    out << '\n';
}

void print_message(const storage::queued_message& message, std::int64_t now, std::ostream& out) {
    out << fmt::format("{:<13}  {:>9}  {:>4}  <{}>\n", message.id.to_string(),
                       conf::format_size(message.size), age_text(now - message.arrived / microseconds),
                       shown(message.sender));
    for (const auto& recipient : message.recipients) print_recipient(message, recipient, now, out);
}

struct which_messages {
    const conf::config& settings; // the caller's
    std::optional<queue_filter> filter{};
    std::uint64_t at_most = std::numeric_limits<std::uint64_t>::max();
    bool is_some() const { return filter || at_most != std::numeric_limits<std::uint64_t>::max(); }
};

// False: the error was said.
bool read_which(const arguments& given, which_messages& into, terminal& with) {
    if (queue_filter::is_given(given) && !(into.filter = queue_filter::read(given, with))) return false;
    if (!given.has("--limit")) return true;
    const auto limit = protocol::parse_number(given.one("--limit"));
    if (limit && *limit > 0) {
        into.at_most = *limit;
        return true;
    }
    fail(with, exit_code::bad_data, given.one("--limit"), "is no number of messages");
    return false;
}

// Calls `print` for each message; each page is its own read transaction, over before anything is printed.
// Those that can't be read are said on stderr, and told by the exit code at the end.
template <class Print>
exit_code each_message(const storage::queue& from, const which_messages& which, terminal& with, Print print) {
    auto code = exit_code::ok;
    storage::queue_id after{};
    const auto history = history_of(from);
    for (std::uint64_t left = which.at_most;;) {
        const auto found = from.list(after, queue_page_max);
        if (!found) return fail(with, "queue", found.error());
        for (const auto& message : found->messages) {
            if (which.filter && !which.filter->matches(message, which.settings, history)) continue;
            if (left-- == 0) return code;
            print(message);
        }
        for (const auto id : found->unreadable) code = tell_damaged(with, id);
        if (!found->last) return code;
        after = *found->last;
    }
}

std::string address_of(const storage::queued_message& message, const storage::delivery_try& one) {
    return one.recipient < message.recipients.size() ? shown(message.recipients[one.recipient].address) : "-";
}

void print_details(const storage::queued_message& message, const std::string& body, std::int64_t now,
                   std::ostream& out) {
    const std::int64_t arrived = message.arrived / microseconds;
    const auto line = [&](std::string_view name, std::string_view value) {
        out << fmt::format("{:<12} {}\n", name, value);
    };
    line("id", message.id.to_string());
    line("sender", "<" + shown(message.sender) + ">");
    line("size", fmt::format("{} ({})", message.size, conf::format_size(message.size)));
    line("arrived", fmt::format("{} ({} ago)", local_time_text(arrived), age_text(now - arrived)));
    line("client", shown(message.client));
    line("helo", shown(message.helo));
    line("protocol", shown(message.protocol));
    line("session", shown(message.session));
    if (!message.envelope_id.empty()) line("envelope id", shown(message.envelope_id));
    line("body", body);
    line("sender is", proof_name(message.proof));
    for (const auto& found : lines_of(message.result_fields)) line("found", found);
    if (message.held) line("held", "by the operator, until it is released");
    if (message.given_up) line("given up", "by the operator; its sender will be told");
    out << "recipients\n";
    for (const auto& recipient : message.recipients) {
        print_recipient(message, recipient, now, out);
        if (recipient.original != recipient.address)
            out << "        for " << shown(recipient.original) << '\n';
    }
}

void print_history(const storage::queued_message& message, const std::vector<storage::delivery_try>& tries,
                   std::ostream& out) {
    if (tries.empty()) return;
    text_table table({"RECIPIENT", "TRY", "ENDED", "SERVER", "ENCRYPTION", "STATUS", "REPLY"});
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : shown(text); };
    for (const auto& one : tries)
        table.add({address_of(message, one), std::to_string(one.number), local_time_text(one.when),
                   or_dash(one.server), or_dash(one.tls), or_dash(one.code), shown(one.text)});
    out << "tries\n";
    table.print(out);
}

boost::json::array history_array(const storage::queued_message& message,
                                 const std::vector<storage::delivery_try>& tries) {
    boost::json::array made;
    for (const auto& one : tries)
        made.push_back(boost::json::object{{"recipient", address_of(message, one)},
                                           {"try", one.number},
                                           {"time", one.when},
                                           {"server", shown(one.server)},
                                           {"tls", shown(one.tls)},
                                           {"status", shown(one.code)},
                                           {"reply", shown(one.text)}});
    return made;
}

boost::json::object details_object(const storage::queued_message& message, const std::string& body,
                                   std::int64_t now) {
    auto object = message_object(message, now);
    object["client"] = shown(message.client);
    object["helo"] = shown(message.helo);
    object["protocol"] = shown(message.protocol);
    object["session"] = shown(message.session);
    object["envelope_id"] = shown(message.envelope_id);
    object["smtputf8"] = message.smtputf8;
    object["given_up"] = message.given_up;
    object["sender_proof"] = proof_name(message.proof);
    object["body"] = body;
    return object;
}

} // namespace

exit_code run_queue_list(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    which_messages which{*settings};
    if (!read_which(given, which, with)) return exit_code::bad_data;
    const queue_access queue(*settings, with, queue_use::read);
    if (queue.code != exit_code::ok) return queue.code;
    const std::int64_t now = std::time(nullptr);
    auto code = exit_code::ok;
    std::uint64_t count = 0;
    if (given.has("--json")) {
        json_list list(with.out, "messages");
        if (queue.messages)
            code = each_message(*queue.messages, which, with, [&](const storage::queued_message& message) {
                list.add(message_object(message, now));
            });
        list.end();
    } else if (queue.messages) {
        code = each_message(*queue.messages, which, with, [&](const storage::queued_message& message) {
            print_message(message, now, with.out);
            ++count;
        });
        if (which.is_some()) with.out << fmt::format("{} message{}\n", count, count == 1 ? "" : "s");
    }
    return code;
}

exit_code run_queue_show(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const std::string text = given.one("ID");
    const auto id = storage::queue_id::parse(text);
    if (!id) return fail(with, exit_code::bad_data, text, "is not a queue id");
    const queue_access queue(*settings, with, queue_use::read);
    if (queue.code != exit_code::ok) return queue.code;
    result<std::optional<storage::queued_message>> message = std::optional<storage::queued_message>();
    if (queue.messages) message = queue.messages->find(*id);
    if (!message) return fail(with, text, message.error());
    if (!*message) return fail(with, exit_code::no_user, text, "is not in the queue");
    const std::int64_t now = std::time(nullptr);
    const auto body = body_location(**message, *queue.messages, settings->server.state_dir);
    const auto tries = history_of(*queue.messages)(*id);
    if (given.has("--json")) {
        auto object = details_object(**message, body, now);
        object["history"] = history_array(**message, tries);
        with.out << boost::json::serialize(object) << '\n';
    } else {
        print_details(**message, body, now, with.out);
        print_history(**message, tries, with.out);
    }
    return exit_code::ok;
}

} // namespace postern::server

// postern queue destinations: how much waits for each, read from the queue a page at a time, with what a
// running server knows of it. Names come from strangers: their number is bounded.
#include "server/admin/ask_server.hpp"
#include "server/admin/control.hpp"
#include "server/admin/handlers.hpp"
#include "server/admin/queue_access.hpp"
#include "server/destination_counts.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <fmt/format.h>
#include <map>

namespace postern::server {

namespace {

constexpr std::size_t names_max = 10'000; // those beyond are counted together
constexpr std::string_view others = "other";

struct in_queue {
    std::uint64_t waiting = 0;
    std::int64_t next_try = 0; // the earliest; 0 = none
    std::string last_reply;    // of the message that came last
};
using by_name = std::map<std::string, in_queue, std::less<>>;

void count(const storage::queued_message& message, by_name& into) {
    for (const auto& to : message.recipients) {
        if (to.state != storage::recipient_state::waiting) continue;
        auto name = destination_of(to);
        if (into.size() >= names_max && !into.contains(name)) name = others;
        auto& one = into[std::string(name)];
        ++one.waiting;
        if (!message.held)
            one.next_try = one.next_try == 0 ? to.next_try : std::min(one.next_try, to.next_try);
        if (!to.last_reply.empty()) one.last_reply = to.last_reply;
    }
}

exit_code read_queue(const storage::queue& from, by_name& into, terminal& with) {
    auto code = exit_code::ok;
    for (storage::queue_id after{};;) {
        const auto found = from.list(after, queue_page_max);
        if (!found) return fail(with, "queue", found.error());
        for (const auto& message : found->messages) count(message, into);
        for (const auto id : found->unreadable) code = tell_damaged(with, id);
        if (!found->last) return code;
        after = *found->last;
    }
}

std::uint64_t number_of(const boost::json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    boost::system::error_code none;
    const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(none);
    return none ? 0 : number;
}

// What the running server says; none runs: nothing.
std::vector<destination_status> ask(const conf::config& settings) {
    std::vector<destination_status> made;
    const auto answer = ask_control(settings.admin.socket, R"({"command":"destinations"})");
    boost::system::error_code failure;
    const auto document = boost::json::parse(answer, failure);
    const auto* object = failure ? nullptr : document.if_object();
    const auto* list = object == nullptr ? nullptr : object->if_contains("destinations");
    if (list == nullptr || !list->is_array()) return made;
    for (const auto& item : list->get_array()) {
        const auto* row = item.if_object();
        if (row == nullptr) continue;
        destination_status one;
        if (const auto* name = row->if_contains("name")) one.name = text_of(*name);
        if (const auto* error = row->if_contains("last_error")) one.last_error = text_of(*error);
        one.in_flight = number_of(*row, "in_flight");
        one.connections_allowed = number_of(*row, "connections_allowed");
        one.failures = number_of(*row, "failures");
        one.retry_at = static_cast<std::int64_t>(number_of(*row, "retry_at"));
        one.delivered = number_of(*row, "delivered");
        one.deferred = number_of(*row, "deferred");
        one.failed = number_of(*row, "failed");
        made.push_back(std::move(one));
    }
    return made;
}

struct destination_row {
    destination_status known;
    std::int64_t next_try = 0;
};

std::vector<destination_row> rows_of(const by_name& queued, std::vector<destination_status> known) {
    std::vector<destination_row> rows;
    std::map<std::string, std::size_t, std::less<>> places;
    for (auto& one : known) {
        places.emplace(one.name, rows.size());
        one.waiting = 0; // the queue says it
        rows.push_back({std::move(one), 0});
    }
    for (const auto& [name, one] : queued) {
        auto place = places.find(name);
        if (place == places.end()) {
            place = places.emplace(name, rows.size()).first;
            rows.emplace_back().known.name = name;
        }
        auto& row = rows[place->second];
        row.known.waiting = one.waiting;
        row.next_try = one.next_try;
        if (row.known.last_error.empty()) row.known.last_error = one.last_reply;
    }
    std::ranges::sort(rows, [](const auto& a, const auto& b) {
        const auto of_a = a.known.waiting, of_b = b.known.waiting;
        return of_a != of_b ? of_a > of_b : a.known.name < b.known.name;
    });
    return rows;
}

std::string state_of(const destination_row& row, std::int64_t now) {
    if (row.known.retry_at > now) return "backs off for " + age_text(row.known.retry_at - now);
    if (row.known.in_flight != 0) return fmt::format("{} under way", row.known.in_flight);
    if (row.known.waiting == 0) return "-";
    if (row.next_try == 0) return "held";
    return row.next_try <= now ? std::string("due") : "due in " + age_text(row.next_try - now);
}

void print(const std::vector<destination_row>& rows, std::int64_t now, std::ostream& out) {
    text_table table({"DESTINATION", "WAITING", "STATE", "DELIVERED", "DEFERRED", "FAILED", "LAST TROUBLE"});
    for (const auto& row : rows) {
        const auto& known = row.known;
        table.add({shown(known.name), std::to_string(known.waiting), state_of(row, now),
                   std::to_string(known.delivered), std::to_string(known.deferred),
                   std::to_string(known.failed), shown(known.last_error)});
    }
    table.print(out);
}

void print_json(const std::vector<destination_row>& rows, std::ostream& out) {
    json_list list(out, "destinations");
    for (const auto& [known, next_try] : rows) {
        auto object = destination_object(known);
        object["next_try"] = next_try;
        list.add(object);
    }
    list.end();
}

} // namespace

boost::json::object destination_object(const destination_status& of) {
    return {{"name", shown(of.name)},
            {"waiting", of.waiting},
            {"in_flight", of.in_flight},
            {"connections_allowed", of.connections_allowed},
            {"failures", of.failures},
            {"retry_at", of.retry_at},
            {"last_error", shown(of.last_error)},
            {"delivered", of.delivered},
            {"deferred", of.deferred},
            {"failed", of.failed}};
}

exit_code run_queue_destinations(const arguments& given, terminal& with) {
    const auto settings = read_config(given, with);
    if (!settings) return exit_code::config;
    const queue_access queue(*settings, with, queue_use::read);
    if (queue.code != exit_code::ok) return queue.code;
    by_name queued;
    const auto code = queue.messages ? read_queue(*queue.messages, queued, with) : exit_code::ok;
    const auto rows = rows_of(queued, ask(*settings));
    if (given.has("--json"))
        print_json(rows, with.out);
    else
        print(rows, std::time(nullptr), with.out);
    return code;
}

} // namespace postern::server

// The status of a server as JSON and as text.
#include "server/admin/status_report.hpp"

#include "server/admin/support.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <ostream>

namespace postern::server {

namespace {

std::string text_member(const boost::json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    if (value == nullptr) return "-";
    return value->is_string() ? shown(value->get_string()) : boost::json::serialize(*value);
}

std::int64_t number_member(const boost::json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    if (value == nullptr) return 0;
    if (value->is_int64()) return value->get_int64();
    if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
    return 0;
}

const boost::json::array* array_member(const boost::json::object& from, std::string_view key) {
    const auto* value = from.if_contains(key);
    return value == nullptr ? nullptr : value->if_array();
}

std::string moment(std::int64_t when, std::int64_t now) {
    if (when == 0) return "never";
    return fmt::format("{} ({} ago)", local_time_text(when), age_text(now - when));
}

std::string call_outs_text(const boost::json::object& asked) {
    return fmt::format("{} known, {} unknown, {} unavailable; {} from memory", text_member(asked, "known"),
                       text_member(asked, "unknown"), text_member(asked, "unavailable"),
                       text_member(asked, "cached"));
}

std::string expiry(std::int64_t when, std::int64_t now) {
    if (when == 0) return "-";
    if (when <= now) return fmt::format("{} (EXPIRED)", local_time_text(when));
    return fmt::format("{} (in {})", local_time_text(when), age_text(when - now));
}

} // namespace

boost::json::object status_document(const server_status& status) {
    boost::json::array listeners;
    for (const auto& listener : status.listeners)
        listeners.push_back(boost::json::object{{"name", shown(listener.name)},
                                                {"address", listener.address},
                                                {"role", listener.role},
                                                {"tls", listener.tls},
                                                {"sessions", listener.sessions},
                                                {"connections", listener.connections}});
    boost::json::array blocked;
    for (const auto& one : status.blocked)
        blocked.push_back(boost::json::object{{"network", one.network}, {"until", one.until}});
    boost::json::array alarms;
    for (const auto& alarm : status.alarms) alarms.emplace_back(shown(alarm.text));
    return {{"version", status.version},
            {"hostname", shown(status.hostname)},
            {"pid", status.pid},
            {"started", status.started},
            {"reloaded", status.reloaded},
            {"config_file", shown(status.config_file)},
            {"sessions", status.sessions},
            {"messages_accepted", status.messages_accepted},
            {"messages_refused", status.messages_refused},
            {"recipients_refused", status.recipients_refused},
            {"delivered", status.delivered},
            {"deferred", status.deferred},
            {"failed", status.failed},
            {"set_aside", status.set_aside},
            {"call_outs", boost::json::object{{"known", status.call_outs_known},
                                              {"unknown", status.call_outs_unknown},
                                              {"unavailable", status.call_outs_unavailable},
                                              {"cached", status.call_outs_cached}}},
            {"queue_messages", status.queue_messages},
            {"queue_pending", status.queue_pending},
            {"log_lines_dropped", status.log_lines_dropped},
            {"certificate_expires", status.certificate_expires},
            {"dns", shown(status.dns)},
            {"alarms", std::move(alarms)},
            {"blocked", std::move(blocked)},
            {"listeners", std::move(listeners)}};
}

void print_status(const boost::json::object& document, std::int64_t now, std::ostream& out) {
    if (const auto* alarms = array_member(document, "alarms"))
        for (const auto& alarm : *alarms)
            out << "ALARM: " << (alarm.is_string() ? shown(alarm.get_string()) : "?") << '\n';
    const auto text = [&](std::string_view key) { return text_member(document, key); };
    const auto number = [&](std::string_view key) { return number_member(document, key); };
    const auto line = [&](std::string_view name, const std::string& value) {
        out << fmt::format("{:<12} {}\n", name, value);
    };
    line("server", fmt::format("{}, Postern {}, pid {}", text("hostname"), text("version"), text("pid")));
    line("config", text("config_file"));
    line("started", moment(number("started"), now));
    line("reloaded", moment(number("reloaded"), now));
    line("sessions", text("sessions"));
    line("messages", fmt::format("{} accepted, {} refused; {} recipients refused", text("messages_accepted"),
                                 text("messages_refused"), text("recipients_refused")));
    line("deliveries", fmt::format("{} done, {} deferred, {} failed, {} set aside", text("delivered"),
                                   text("deferred"), text("failed"), text("set_aside")));
    if (const auto* asked = document.if_contains("call_outs"); asked != nullptr && asked->is_object())
        line("call-outs", call_outs_text(asked->get_object()));
    line("queue",
         fmt::format("{} messages, {} waiting for the disk", text("queue_messages"), text("queue_pending")));
    line("log", fmt::format("{} lines lost", text("log_lines_dropped")));
    line("certificate", expiry(number("certificate_expires"), now));
    line("dns", text("dns"));
    if (const auto* blocked = array_member(document, "blocked"))
        for (const auto& one : *blocked)
            if (const auto* row = one.if_object())
                line("blocked",
                     fmt::format("{} until {} (postern account unblock)", text_member(*row, "network"),
                                 local_time_text(number_member(*row, "until"))));
    const auto* listeners = array_member(document, "listeners");
    if (listeners == nullptr || listeners->empty()) return;
    text_table table({"LISTENER", "ADDRESS", "ROLE", "TLS", "SESSIONS", "CONNECTIONS"});
    for (const auto& listener : *listeners)
        if (const auto* row = listener.if_object())
            table.add({text_member(*row, "name"), text_member(*row, "address"), text_member(*row, "role"),
                       text_member(*row, "tls"), text_member(*row, "sessions"),
                       text_member(*row, "connections")});
    out << '\n';
    table.print(out);
}

} // namespace postern::server

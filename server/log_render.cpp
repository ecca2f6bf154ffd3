// One event as one line of text, in Postfix's forms, so that fail2ban, pflogsumm and a host's scripts go on
// working. Pure. What a peer sent never leaves its place in a line: controls are gone (protocol::printable),
// and within <...> there is no blank, no '<' and no '>'; in the text of a refusal no "key=" is left that a
// script could take for a field.
#include "server/log_event_rows.hpp"
#include "server/log_words.hpp"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <iterator>

namespace postern::server {

namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <class... Values>
void add(std::string& out, fmt::format_string<Values...> form, Values&&... values) {
    fmt::format_to(std::back_inserter(out), form, std::forward<Values>(values)...);
}

void add_client(std::string& out, const log_record& record) {
    out += "unknown[";
    add_token(out, record.client);
    out += ']';
}

void add_session(std::string& out, const log_record& record, std::string_view separator) {
    if (record.session.empty()) return;
    out += separator;
    out += "session=";
    add_token(out, record.session);
}

void add_queue_id(std::string& out, const log_record& record) {
    if (record.queue_id.empty())
        out += "NOQUEUE";
    else
        add_token(out, record.queue_id);
    out += ": ";
}

std::string_view severity(conf::log_level level) {
    switch (level) {
    case conf::log_level::error: return "error: ";
    case conf::log_level::warning: return "warning: ";
    case conf::log_level::info:
    case conf::log_level::debug: return "";
    }
    return "";
}

void form_note(std::string& out, const log_record& record) {
    out += severity(record.level);
    if (!record.queue_id.empty()) add_queue_id(out, record);
    add_printable(out, record.text, log_reply_max);
    if (!record.client.empty()) {
        out += " from ";
        add_client(out, record);
    }
    if (!record.listener.empty()) {
        out += ", listener=";
        add_token(out, record.listener);
    }
    add_session(out, record, ", ");
}

void form_starting(std::string& out, const log_record& record) {
    out += "daemon started -- ";
    add_printable(out, record.text, log_reply_max);
}

void form_listening(std::string& out, const log_record& record) {
    out += "listening name=";
    add_token(out, record.listener);
    out += " address=";
    add_token(out, record.address);
}

void form_reloaded(std::string& out, const log_record& record) {
    out += "reload -- ";
    add_printable(out, record.text, log_reply_max);
}

void form_reload_refused(std::string& out, const log_record& record) {
    out += "warning: reload refused, going on as before: ";
    add_printable(out, record.text, log_reply_max);
}

void form_stopping(std::string& out, const log_record& record) {
    out += "stopping";
    if (record.text.empty()) return;
    out += ": ";
    add_printable(out, record.text, log_reply_max);
}

void form_stopped(std::string& out, const log_record&) { out += "stopped"; }

void form_connected(std::string& out, const log_record& record) {
    out += "connect from ";
    add_client(out, record);
    if (!record.listener.empty()) {
        out += ", listener=";
        add_token(out, record.listener);
    }
    add_session(out, record, ", ");
}

void form_disconnected(std::string& out, const log_record& record) {
    out += "disconnect from ";
    add_client(out, record);
    add(out, " commands={} messages={}", record.commands, record.messages);
    add_session(out, record, " ");
}

void form_tls(std::string& out, const log_record& record) {
    out += "Anonymous TLS connection established from ";
    add_client(out, record);
    out += ": ";
    add_token(out, record.tls_protocol);
    out += " with cipher ";
    add_token(out, record.tls_cipher);
    add_session(out, record, ", ");
}

void add_rejection(std::string& out, const log_record& record, std::string_view what) {
    add_queue_id(out, record);
    out += what;
    out += ": ";
    add_token(out, record.stage.empty() ? std::string_view("END-OF-MESSAGE") : record.stage);
    out += " from ";
    add_client(out, record);
    out += ": ";
    add_reply(out, record.reply);
    out += ';';
    if (record.has_from || !record.from.empty()) {
        out += " from=";
        add_bracketed(out, record.from, log_address_max);
    }
    if (!record.to.empty()) {
        out += " to=";
        add_bracketed(out, record.to, log_address_max);
    }
    if (!record.protocol.empty()) {
        out += " proto=";
        add_token(out, record.protocol);
    }
    if (!record.helo.empty()) {
        out += " helo=";
        add_bracketed(out, record.helo, log_name_max);
    }
    if (!record.test.empty()) {
        out += " test=";
        add_token(out, record.test);
    }
    add_session(out, record, " ");
}

void form_rejected(std::string& out, const log_record& record) { add_rejection(out, record, "reject"); }

// As Postfix says it with warn_if_reject.
void form_reported(std::string& out, const log_record& record) {
    add_rejection(out, record, "reject_warning");
}

// "WHAT after STAGE from unknown[IP]", the form of all that ends or spoils a session.
void add_after_stage(std::string& out, const log_record& record, std::string_view what) {
    add_printable(out, what, log_reply_max);
    out += " after ";
    add_token(out, record.stage.empty() ? std::string_view("CONNECT") : record.stage);
    out += " from ";
    add_client(out, record);
}

void form_command_error(std::string& out, const log_record& record) {
    add_after_stage(out, record, record.text.empty() ? std::string_view("command error") : record.text);
    if (!record.reply.empty()) {
        out += ": ";
        add_reply(out, record.reply);
    }
    add_session(out, record, ", ");
}

void form_lost_connection(std::string& out, const log_record& record) {
    add_after_stage(out, record, "lost connection");
    add_session(out, record, ", ");
}

void form_timed_out(std::string& out, const log_record& record) {
    add_after_stage(out, record, "timeout");
    add_session(out, record, ", ");
}

void add_login(std::string& out, const log_record& record) {
    out += "sasl_method=";
    add_token(out, record.sasl_method);
    out += ", sasl_username=";
    add_token(out, record.sasl_username);
}

void form_logged_in(std::string& out, const log_record& record) {
    add_client(out, record);
    out += ": ";
    add_login(out, record);
    add_session(out, record, ", ");
}

// fail2ban knows this line.
void form_login_failed(std::string& out, const log_record& record) {
    out += severity(record.level);
    add_client(out, record);
    out += ": SASL ";
    add_token(out, record.sasl_method);
    out += " authentication failed: ";
    add_reply(out, record.text);
    out += ", sasl_username=";
    add_token(out, record.sasl_username);
    add_session(out, record, ", ");
}

void form_received(std::string& out, const log_record& record) {
    add_queue_id(out, record);
    out += "client=";
    add_client(out, record);
    if (!record.sasl_username.empty()) {
        out += ", ";
        add_login(out, record);
    }
    add_session(out, record, ", ");
}

void form_named(std::string& out, const log_record& record) {
    add_queue_id(out, record);
    out += "message-id=";
    add_bracketed(out, record.message_id, log_name_max);
    add_session(out, record, ", ");
}

void form_accepted(std::string& out, const log_record& record) {
    add_queue_id(out, record);
    out += "from=";
    add_bracketed(out, record.from, log_address_max);
    add(out, ", size={}, nrcpt={} (queue active)", record.size, record.recipients);
    add_session(out, record, ", ");
}

// Two significant digits are enough for a delay, as Postfix writes it.
void add_delay(std::string& out, double delay) {
    if (delay < 0) delay = 0;
    if (delay < 0.1)
        add(out, "{:.3f}", delay);
    else if (delay < 10)
        add(out, "{:.2f}", delay);
    else
        add(out, "{:.0f}", delay);
}

// ", tls=verified TLSv1.3 TLS_AES_256_GCM_SHA384 DANE-EE 3 1 1"
void add_security(std::string& out, const log_record& record) {
    if (record.tls.empty()) return;
    out += ", tls=";
    out += record.tls;
    for (const auto part : {record.tls_protocol, record.tls_cipher, record.tls_proof}) {
        if (part.empty()) continue;
        out += ' ';
        add_printable(out, part, log_name_max);
    }
}

// pflogsumm and its like want exactly this order; what stands behind the brackets is ours.
void add_delivery(std::string& out, const log_record& record, std::string_view status) {
    add_queue_id(out, record);
    out += "to=";
    add_bracketed(out, record.to, log_address_max);
    if (!record.original_to.empty()) {
        out += ", orig_to=";
        add_bracketed(out, record.original_to, log_address_max);
    }
    out += ", relay=";
    add_token(out, record.relay.empty() ? std::string_view("none") : record.relay);
    out += ", delay=";
    add_delay(out, record.delay);
    out += ", dsn=";
    add_token(out, record.status_code);
    out += ", status=";
    out += status;
    out += " (";
    add_reply(out, record.reply);
    out += ')';
    add_security(out, record);
    add_session(out, record, ", ");
}

void form_delivered(std::string& out, const log_record& record) { add_delivery(out, record, "sent"); }
void form_deferred(std::string& out, const log_record& record) { add_delivery(out, record, "deferred"); }
void form_failed(std::string& out, const log_record& record) { add_delivery(out, record, "bounced"); }

void form_text_of_message(std::string& out, const log_record& record) {
    add_queue_id(out, record);
    add_printable(out, record.text, log_reply_max);
    add_session(out, record, ", ");
}

void form_removed(std::string& out, const log_record& record) {
    add_queue_id(out, record);
    out += "removed";
    add_session(out, record, ", ");
}

// In the order of log_event.
constexpr std::array<log_event_row, log_event_count> rows = {{
    {log_event::starting, "starting", "master", &form_starting},
    {log_event::listening, "listening", "master", &form_listening},
    {log_event::reloaded, "reloaded", "master", &form_reloaded},
    {log_event::reload_refused, "reload_refused", "master", &form_reload_refused},
    {log_event::note, "note", "master", &form_note},
    {log_event::stopping, "stopping", "master", &form_stopping},
    {log_event::stopped, "stopped", "master", &form_stopped},
    {log_event::fault, "fault", "master", &form_note},
    {log_event::connected, "connected", "smtpd", &form_connected},
    {log_event::disconnected, "disconnected", "smtpd", &form_disconnected},
    {log_event::tls_established, "tls_established", "smtpd", &form_tls},
    {log_event::rejected, "rejected", "smtpd", &form_rejected},
    {log_event::reported, "reported", "smtpd", &form_reported},
    {log_event::command_error, "command_error", "smtpd", &form_command_error},
    {log_event::lost_connection, "lost_connection", "smtpd", &form_lost_connection},
    {log_event::timed_out, "timed_out", "smtpd", &form_timed_out},
    {log_event::logged_in, "logged_in", "smtpd", &form_logged_in},
    {log_event::login_failed, "login_failed", "smtpd", &form_login_failed},
    {log_event::received, "received", "smtpd", &form_received},
    {log_event::named, "named", "cleanup", &form_named},
    {log_event::accepted, "accepted", "qmgr", &form_accepted},
    {log_event::not_accepted, "not_accepted", "smtpd", &form_rejected},
    {log_event::delivered, "delivered", "virtual", &form_delivered},
    {log_event::deferred, "deferred", "virtual", &form_deferred},
    {log_event::failed, "failed", "virtual", &form_failed},
    {log_event::notified, "notified", "bounce", &form_text_of_message},
    {log_event::removed, "removed", "qmgr", &form_removed},
    {log_event::steered, "steered", "postsuper", &form_text_of_message},
}};

constexpr bool rows_are_in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (static_cast<std::size_t>(rows[i].event) != i) return false;
    return true;
}
static_assert(rows_are_in_order());

// "TIME host postfix/smtpd[pid]: ".
void add_prefix(std::string& out, std::string_view time, std::string_view component,
                const log_identity& who) {
    const fmt::format_int pid(who.pid);
    for (const std::string_view part :
         {time, std::string_view(" "), std::string_view(who.host), std::string_view(" "),
          std::string_view(who.syslog_name), std::string_view("/"), component, std::string_view("["),
          std::string_view(pid.data(), pid.size()), std::string_view("]: ")})
        out += part;
}

} // namespace

const log_event_row& log_row(log_event event) { return rows[static_cast<std::size_t>(event)]; }

std::string syslog_time(std::int64_t unix_seconds) {
    const std::time_t seconds = unix_seconds;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{} {:>2} {:02}:{:02}:{:02}", months[static_cast<std::size_t>(local.tm_mon)],
                       local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

std::string render_text(const log_record& record, const log_identity& who, std::int64_t when) {
    return render_text(record, who, syslog_time(when / 1'000'000));
}

std::string render_text(const log_record& record, const log_identity& who, std::string_view time) {
    const log_event_row& row = log_row(record.event);
    std::string line;
    line.reserve(256);
    // Trouble inside a session is smtpd's, as Postfix has it and log readers expect.
    const bool of_session = !record.client.empty() && row.component == "master";
    const auto component = of_session                 ? std::string_view("smtpd")
                           : record.transport.empty() ? row.component
                                                      : record.transport;
    add_prefix(line, time, component, who);
    row.form(line, record);
    return line;
}

} // namespace postern::server

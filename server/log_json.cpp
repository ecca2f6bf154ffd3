// One event as one JSON object, for machines. Pure. Every string passes protocol::printable, so that the line
// is valid UTF-8 without controls or line separators whatever a peer sent; Boost.JSON does the quoting. Empty
// fields are left out.
#include "server/log_event_rows.hpp"

#include "protocol/smtp/grammar.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <fmt/format.h>

namespace postern::server {

namespace {

constexpr std::size_t text_max = 1024;

std::string_view level_name(conf::log_level level) {
    switch (level) {
    case conf::log_level::error: return "error";
    case conf::log_level::warning: return "warning";
    case conf::log_level::info: return "info";
    case conf::log_level::debug: return "debug";
    }
    return "info";
}

std::string_view delivery_status(log_event event) {
    if (event == log_event::delivered) return "sent";
    if (event == log_event::deferred) return "deferred";
    if (event == log_event::failed) return "bounced";
    return "";
}

// RFC 3339 in UTC with microseconds.
std::string timestamp(std::int64_t when) {
    const std::time_t seconds = when / 1'000'000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, when % 1'000'000);
}

void add(boost::json::object& line, std::string_view key, std::string_view value) {
    if (!value.empty()) line.emplace(key, protocol::printable(value, text_max));
}

void add(boost::json::object& line, std::string_view key, std::uint64_t value) {
    if (value != 0) line.emplace(key, value);
}

void add_peer(boost::json::object& line, const log_record& record) {
    add(line, record.event == log_event::listening ? "name" : "listener", record.listener);
    add(line, "address", record.address);
    add(line, "client", record.client);
    add(line, "client_port", record.client_port);
    add(line, "helo", record.helo);
    add(line, "protocol", record.protocol);
    add(line, "tls_protocol", record.tls_protocol);
    add(line, "tls_cipher", record.tls_cipher);
    add(line, "sasl_method", record.sasl_method);
    add(line, "sasl_username", record.sasl_username);
}

void add_message(boost::json::object& line, const log_record& record) {
    if (record.has_from)
        line.emplace("from", protocol::printable(record.from, text_max));
    else
        add(line, "from", record.from);
    add(line, "to", record.to);
    add(line, "original_to", record.original_to);
    add(line, "message_id", record.message_id);
    add(line, "size", record.size);
    add(line, "recipients", record.recipients);
}

void add_outcome(boost::json::object& line, const log_record& record) {
    add(line, "stage", record.stage);
    add(line, "test", record.test);
    add(line, "reply", record.reply);
    add(line, "relay", record.relay);
    add(line, "tls", record.tls);
    add(line, "tls_proof", record.tls_proof);
    add(line, "dsn", record.status_code);
    add(line, "status", delivery_status(record.event));
    add(line, "tries", record.tries);
    if (record.delay >= 0) line.emplace("delay", record.delay);
    if (record.event == log_event::disconnected) {
        line.emplace("commands", record.commands);
        line.emplace("messages", record.messages);
    }
    add(line, "text", record.text);
}

} // namespace

std::string render_json(const log_record& record, const log_identity& who, std::int64_t when) {
    unsigned char buffer[4096];
    boost::json::monotonic_resource memory(buffer, sizeof buffer);
    boost::json::object line(&memory);
    line.reserve(32);
    line.emplace("time", timestamp(when));
    line.emplace("level", level_name(record.level));
    line.emplace("event", log_row(record.event).name);
    add(line, "host", who.host);
    line.emplace("pid", who.pid);
    add(line, "session", record.session);
    add(line, "queue_id", record.queue_id);
    add_peer(line, record);
    add_message(line, record);
    add_outcome(line, record);
    return boost::json::serialize(line);
}

} // namespace postern::server

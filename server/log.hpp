// What the server tells its operator: one line an event, as Postfix's line forms ("text") or one JSON object
// ("json"). Every line of a session carries its id, every line about a message its queue id. Peer octets are
// always escaped. Never blocks the caller: a sink that can't keep up costs lines, which are counted.
#pragma once

#include "conf/config.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace postern::server {

// The events, a row each in log_render.cpp.
enum class log_event : std::uint8_t {
    // the server
    starting,
    listening,
    reloaded,
    reload_refused,
    note,
    stopping,
    stopped,
    fault,
    // a session
    connected,
    disconnected,
    tls_established,
    rejected,
    reported, // a test would have refused it: "reject_warning"
    command_error,
    lost_connection,
    timed_out,
    logged_in,    // "unknown[IP]: sasl_method=PLAIN, sasl_username=..."
    login_failed, // "unknown[IP]: SASL PLAIN authentication failed: ..."
    // a message
    received,     // client and recipients are known, octets are coming: "ID: client=..."
    named,        // its Message-ID is known: "ID: message-id=<...>"
    accepted,     // durable: "ID: from=<>, size=, nrcpt= (queue active)"
    not_accepted, // refused at the end of data, or the queue could not take it
    delivered,
    deferred,
    failed,
    notified, // its sender is told: "ID: notice to the sender: ID"
    removed,
    steered, // an operator's wish is done: "ID: placed on hold"
};

// Everything a line can say; a field that is empty is left out. Views are read before write() returns. Each
// member has an initialiser, so that a designated list may leave any of them out.
struct log_record {
    log_event event = log_event::note;
    conf::log_level level = conf::log_level::info;
    std::string_view session{};
    std::string_view queue_id{};
    std::string_view listener{};
    std::string_view client{}; // IP address
    std::uint16_t client_port = 0;
    std::string_view helo{};
    std::string_view protocol{}; // "ESMTP"
    std::string_view from{};     // envelope sender; see has_from
    std::string_view to{};
    std::string_view original_to{}; // when it differs from `to`
    std::string_view stage{};       // "RCPT", "DATA", "END-OF-MESSAGE", "CONNECT"
    std::string_view reply{};       // the whole reply line sent, or for a delivery the text in brackets
    std::string_view status_code{}; // "2.0.0" of a delivery
    std::string_view test{};        // the policy test that refused
    std::string_view relay{};       // "maildir"
    std::string_view transport{};   // of a delivery, as Postfix names it: "virtual", "lmtp", "smtp"
    std::string_view message_id{};
    std::string_view text{};    // free text of note, fault, ...
    std::string_view address{}; // of a listener
    std::string_view tls_protocol{}, tls_cipher{};
    std::string_view tls{};       // of a delivery: "plain", "encrypted", "verified", "refused"
    std::string_view tls_proof{}; // "DANE-EE 3 1 1"
    std::string_view sasl_method{}, sasl_username{}; // of who authenticated, or tried to
    std::uint64_t size = 0;
    std::uint32_t recipients = 0;
    std::uint32_t tries = 0;
    double delay = -1;                        // seconds since arrival; < 0 = absent
    std::uint32_t commands = 0, messages = 0; // of a session, at its end
    bool has_from = false;                    // the sender is known, "<>" included
};

// One line without its end, pure. `when` is unix microseconds; `host` and `pid` go into text lines.
struct log_identity {
    std::string host;
    std::string syslog_name;
    int pid = 0;
};
std::string render_text(const log_record& record, const log_identity& who, std::int64_t when);
// The same with the time as syslog_time() has made it: making it anew costs as much as the rest of a line.
std::string render_text(const log_record& record, const log_identity& who, std::string_view time);
std::string syslog_time(std::int64_t unix_seconds); // "Mmm dd HH:MM:SS", local, as syslog writes it
std::string render_json(const log_record& record, const log_identity& who, std::int64_t when);

class log {
  public:
    virtual ~log() = default;
    virtual void write(const log_record& record) = 0; // any thread
    virtual void reopen(const conf::log_settings& settings,
                        const std::string& hostname) = 0; // also applies format, level and a new path
    virtual std::uint64_t dropped() const = 0;
    virtual void flush() = 0; // at exit: what was written before it is out, or a second has passed

    void note(std::string_view text) { write({.event = log_event::note, .text = text}); }
    void fault(std::string_view text) {
        write({.event = log_event::fault, .level = conf::log_level::error, .text = text});
    }
};

// False and `problem` filled when the path can't be opened.
std::unique_ptr<log> open_log(const conf::log_settings& settings, const std::string& hostname,
                              std::string& problem);

} // namespace postern::server

#include "server/admin/metrics.hpp"

#include <fmt/format.h>
#include <iterator>

namespace postern::server {

namespace {

// A label with its value escaped as the format wants it.
struct label {
    std::string_view name;
    std::string_view value;
};

class exposition {
  public:
    using labels = std::initializer_list<label>;

    // The head of a family; its samples follow.
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        fmt::format_to(std::back_inserter(text_), "# HELP postern_{} {}\n# TYPE postern_{} {}\n", name, help,
                       name, type);
    }
    void sample(labels with, std::uint64_t value) { line("", with, fmt::format_int(value).str()); }

    void counter(std::string_view name, std::string_view help, std::uint64_t value) {
        family(name, "counter", help);
        sample({}, value);
    }
    void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
        family(name, "gauge", help);
        sample({}, value);
    }
    void times(std::string_view name, std::string_view help, const histogram::values& of) {
        family(name, "histogram", help);
        std::uint64_t up_to = 0;
        for (std::size_t i = 0; i < histogram::bounds.size(); ++i) {
            up_to += of.counts[i];
            const auto bound = in_seconds(histogram::bounds[i]);
            line("_bucket", {{"le", bound}}, fmt::format_int(up_to).str());
        }
        const std::string count = fmt::format_int(of.count()).str();
        line("_bucket", {{"le", "+Inf"}}, count);
        line("_sum", {}, in_seconds(of.sum));
        line("_count", {}, count);
    }
    void amount(histogram::duration time) { line("", {}, in_seconds(time)); }
    static std::string in_seconds(histogram::duration time) {
        return fmt::format("{}", static_cast<double>(time.count()) / 1e6);
    }
    std::string take() { return std::move(text_); }

  private:
    void line(std::string_view suffix, labels with, std::string_view value) {
        fmt::format_to(std::back_inserter(text_), "postern_{}{}", name_, suffix);
        char before = '{';
        for (const auto& one : with) {
            text_ += before;
            before = ',';
            text_.append(one.name).append("=\"");
            for (const char c : one.value) add_escaped(c);
            text_ += '"';
        }
        if (with.size() != 0) text_ += '}';
        fmt::format_to(std::back_inserter(text_), " {}\n", value);
    }
    void add_escaped(char c) {
        if (c == '\n') {
            text_ += "\\n";
            return;
        }
        if (c == '\\' || c == '"') text_ += '\\';
        text_ += c;
    }

    std::string_view name_;
    std::string text_;
};

void add_program(exposition& out, const observed& seen) {
    out.family("build_info", "gauge", "The version that runs; always 1.");
    out.sample({{"version", seen.status.version}}, 1);
    out.gauge("start_time_seconds", "When the server started, in Unix time.",
              static_cast<std::uint64_t>(seen.status.started));
    out.gauge("reload_time_seconds", "When the configuration was last taken over anew; 0 = never.",
              static_cast<std::uint64_t>(seen.status.reloaded));
    out.gauge("draining", "1 while the server ends: it takes no new connections.", seen.status.draining);
    out.family("alarms", "gauge",
               "What needs an operator: refusing = no new mail is taken, degraded = the rest.");
    std::uint64_t refusing = 0;
    for (const auto& one : seen.status.alarms) refusing += one.how == alarm::weight::refusing;
    out.sample({{"severity", "degraded"}}, seen.status.alarms.size() - refusing);
    out.sample({{"severity", "refusing"}}, refusing);
}

void add_connections(exposition& out, const observed& seen) {
    out.family("sessions", "gauge", "Sessions at this moment.");
    for (const auto& on : seen.status.listeners)
        out.sample({{"listener", on.name}, {"address", on.address}}, on.sessions);
    out.family("connections_total", "counter", "Connections that were taken.");
    for (const auto& on : seen.status.listeners)
        out.sample({{"listener", on.name}, {"address", on.address}}, on.connections);
    out.family("tls_handshakes_total", "counter", "TLS handshakes that succeeded.");
    for (const auto& row : seen.handshakes) {
        out.sample({{"version", row.version}, {"resumed", "false"}}, row.whole);
        out.sample({{"version", row.version}, {"resumed", "true"}}, row.resumed);
    }
    out.counter("tls_handshake_failures_total", "TLS handshakes that failed.", seen.handshakes_failed);
    out.family("logins_total", "counter", "Attempts to authenticate, by what came of them.");
    out.sample({{"outcome", "good"}}, seen.logins);
    out.sample({{"outcome", "denied"}}, seen.logins_denied);
    out.sample({{"outcome", "put_off"}}, seen.logins_put_off);
    if (seen.status.certificate_expires > 0)
        out.gauge("certificate_expiry_timestamp_seconds", "When the first certificate expires, in Unix time.",
                  static_cast<std::uint64_t>(seen.status.certificate_expires));
}

void add_mail(exposition& out, const observed& seen) {
    const auto& status = seen.status;
    out.counter("messages_accepted_total", "Messages that were answered 250 and are the server's.",
                status.messages_accepted);
    out.counter("messages_refused_total", "Messages that were refused after their content.",
                status.messages_refused);
    out.counter("recipients_refused_total", "Recipients that were refused.", status.recipients_refused);
    out.times("reply_seconds", "From the end of a message's data to its reply.", seen.reply_times);
    out.family("deliveries_total", "counter",
               "Attempts at a recipient, by what came of them: deferred ones are made again.");
    out.sample({{"result", "delivered"}}, status.delivered);
    out.sample({{"result", "deferred"}}, status.deferred);
    out.sample({{"result", "failed"}}, status.failed);
    out.sample({{"result", "set_aside"}}, status.set_aside);
    out.family("relayed_total", "counter",
               "Messages that another server was tried with, by the TLS of the connection: plain, encrypted, "
               "verified by DANE, or refused: not sent, because TLS was a must and not to be had.");
    out.sample({{"tls", "plain"}}, seen.sent_plain);
    out.sample({{"tls", "encrypted"}}, seen.sent_encrypted);
    out.sample({{"tls", "verified"}}, seen.sent_verified);
    out.sample({{"tls", "refused"}}, seen.sent_refused);
    out.gauge("dane_active", "1 while mail goes out under DANE where its domain asks for it.", seen.dane);
    out.family("notices_total", "counter",
               "Notices to senders; put_off: told later, the sender having had queue.notices_per_hour.");
    out.sample({{"result", "made"}}, seen.notices);
    out.sample({{"result", "put_off"}}, seen.notices_put_off);
    out.gauge("deliveries_under_way", "Messages that are being delivered.", seen.deliveries_under_way);
}

void add_call_outs(exposition& out, const observed& seen) {
    const auto& status = seen.status;
    out.family(
        "call_outs_total", "counter",
        "Questions to primaries about recipients, by what came of them: cached ones were answered from "
        "memory, unavailable ones led to 451.");
    out.sample({{"result", "known"}}, status.call_outs_known);
    out.sample({{"result", "unknown"}}, status.call_outs_unknown);
    out.sample({{"result", "unavailable"}}, status.call_outs_unavailable);
    out.sample({{"result", "cached"}}, status.call_outs_cached);
}

void add_queue(exposition& out, const observed& seen) {
    out.gauge("queue_messages", "Messages in the queue.", seen.status.queue_messages);
    out.gauge("queue_bytes", "Octets in use in the queue's table; larger bodies lie in files beside it.",
              seen.queue_octets);
    out.gauge("queue_pending", "Messages and results that wait to be written.", seen.status.queue_pending);
    out.counter("queue_commits_total", "Batches written to the queue, each with one flush.",
                seen.commit_times.count());
    out.counter("queue_messages_committed_total", "Messages written to the queue, notices included.",
                seen.messages_committed);
    out.times("queue_commit_seconds", "How long a batch takes to be on stable storage.", seen.commit_times);
    if (seen.disk_free)
        out.gauge("disk_free_bytes", "Octets free where the state folder lies.", *seen.disk_free);
    out.gauge("disk_low", "1 while mail is refused for want of room, or for another state folder.",
              seen.disk_low);
}

// As many label values as destination_counts has places, and "other".
void add_destinations(exposition& out, const observed& seen) {
    out.family("destination_deliveries_total", "counter",
               "Attempts at recipients of the busiest destinations; local: mailboxes here, other: all the "
               "rest.");
    for (const auto& one : seen.destinations) {
        out.sample({{"destination", one.name}, {"result", "delivered"}}, one.delivered);
        out.sample({{"destination", one.name}, {"result", "deferred"}}, one.deferred);
        out.sample({{"destination", one.name}, {"result", "failed"}}, one.failed);
    }
    out.family("destination_queued", "gauge", "What waits in line for a destination.");
    for (const auto& one : seen.destinations) out.sample({{"destination", one.name}}, one.waiting);
    out.family("destination_in_flight", "gauge", "Conversations with a destination.");
    for (const auto& one : seen.destinations) out.sample({{"destination", one.name}}, one.in_flight);
    out.family("destination_backing_off", "gauge", "1 while nothing is sent to a destination that failed.");
    for (const auto& one : seen.destinations)
        out.sample({{"destination", one.name}}, one.retry_at > seen.now ? 1U : 0U);
}

void add_tests(exposition& out, const observed& seen) {
    out.family("test_verdicts_total", "counter",
               "What each test said of recipients and messages; reported: would have been refused, but for "
               "its mode.");
    for (const auto& one : seen.tests) {
        out.sample({{"test", one.test}, {"verdict", "passed"}}, one.passed);
        out.sample({{"test", one.test}, {"verdict", "rejected"}}, one.rejected);
        out.sample({{"test", one.test}, {"verdict", "deferred"}}, one.deferred);
        out.sample({{"test", one.test}, {"verdict", "reported"}}, one.reported);
    }
    out.counter("ledger_rows_dropped_total", "Rows of the refusal ledger that found no room to be kept.",
                seen.ledger_dropped);
    out.counter("tempfail_answers_total", "Requests that tempfail listeners answered with 4yz.",
                seen.put_off);
}

void add_scans(exposition& out, const observed& seen) {
    out.gauge("scanner_processes", "Processes that look into messages.", seen.scanners);
    out.gauge("scanner_processes_free", "Of these, those that wait for a message.", seen.scanners_free);
    out.gauge("scanner_signatures", "Antivirus signatures that are loaded.", seen.signatures);
    out.counter("scanner_starts_total",
                "Scanner programs started: at start, for new signatures, after an end.", seen.scanner_starts);
    out.family("scans_total", "counter", "Messages looked into; failed ones are known nothing of.");
    out.sample({{"result", "done"}}, seen.scans_done);
    out.sample({{"result", "failed"}}, seen.scans_failed);
    out.times("scan_seconds", "How long it takes to look into a message, the wait for a process included.",
              seen.scan_times);
}

void add_dns(exposition& out, const observed& seen) {
    out.counter("dns_lookups_total", "Names that were looked up.", seen.dns_looked_up);
    out.counter("dns_cache_hits_total", "Questions answered from memory.", seen.dns_from_cache);
    out.counter("dns_queries_total", "Questions sent to a resolver, each attempt.", seen.dns_sent);
    out.counter("dns_timeouts_total", "Of these, without an answer in time.", seen.dns_silent);
    out.counter("dns_failures_total", "Look-ups that came to nothing: mail was told to come back.",
                seen.dns_later);
    out.gauge("dns_queries_in_flight", "Questions to a resolver without an answer yet.", seen.dns_in_flight);
}

void add_process(exposition& out, const observed& seen) {
    out.counter("log_lines_dropped_total", "Lines of the log that were lost.", seen.status.log_lines_dropped);
    out.gauge("process_open_fds", "File descriptors in use.", seen.descriptors_open);
    out.gauge("process_max_fds", "File descriptors that the system gives.", seen.descriptors_limit);
    out.gauge("process_resident_memory_bytes", "Resident memory.", seen.resident_octets);
    out.family("process_cpu_seconds_total", "counter", "Processor time, of user and system.");
    out.amount(histogram::duration(seen.processor_milliseconds * 1000));
}

} // namespace

std::string render_metrics(const observed& seen) {
    exposition out;
    add_program(out, seen);
    add_connections(out, seen);
    add_mail(out, seen);
    add_call_outs(out, seen);
    add_queue(out, seen);
    add_destinations(out, seen);
    add_tests(out, seen);
    add_scans(out, seen);
    add_dns(out, seen);
    add_process(out, seen);
    return out.take();
}

} // namespace postern::server

#include "server/admin/status_page.hpp"

#include "server/admin/health.hpp"
#include "server/admin/http_request.hpp"
#include "server/admin/support.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace postern::server {

namespace {

using storage::recipient_state;

constexpr std::size_t recipients_shown = 3; // of each message

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>Postern</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.3rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
.state { border-left: .4rem solid; margin: 1rem 0; padding: .5rem .8rem; }
.good { border-color: #2a8a4a; } .poor { border-color: #c07a00; } .bad { border-color: #c0281e; }
.state p { margin: 0; font-weight: 600; } .state ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; } .n { text-align: right; white-space: nowrap; }
small, footer { opacity: .75; } footer { margin-top: 2rem; }
</style>
</head>
<body>
)";

std::string escaped(std::string_view text) { return html_escaped(shown(text)); }

class page {
  public:
    explicit page(const observed& seen) : seen_(seen), status_(seen.status) {}

    std::string render() {
        text_ += head;
        add_state();
        add_listeners();
        add_totals();
        add_queue();
        add("<footer>Postern {}, process {}, started {} ({} ago); configuration {}. <a href=\"/metrics\">"
            "/metrics</a> <a href=\"/healthz\">/healthz</a></footer>\n</body>\n</html>\n",
            escaped(status_.version), status_.pid, local_time_text(status_.started),
            age_text(seen_.now - status_.started), escaped(status_.config_file));
        return std::move(text_);
    }

  private:
    template <class... Values> void add(fmt::format_string<Values...> form, const Values&... values) {
        fmt::vformat_to(std::back_inserter(text_), form, fmt::make_format_args(values...));
    }

    void add_state() {
        const auto health = health_of(status_);
        const bool well = health.takes_mail && status_.alarms.empty();
        add("<h1>{}</h1>\n<div class=\"state {}\"><p>{}</p>", escaped(status_.hostname),
            well                ? "good"
            : health.takes_mail ? "poor"
                                : "bad",
            status_.draining     ? "The server is stopping and takes no new mail."
            : !health.takes_mail ? "No new mail is taken."
            : well               ? "Mail is taken, and nothing needs you."
                                 : "Mail is taken, but something needs you.");
        if (!status_.alarms.empty()) {
            add("<ul>");
            for (const auto& one : status_.alarms) add("<li>{}</li>", escaped(one.text));
            add("</ul>");
        }
        add("</div>\n");
    }

    void add_listeners() {
        add("<h2>Listeners</h2>\n<div class=\"wide\"><table>\n<tr><th>name<th>address<th>role<th>TLS"
            "<th class=\"n\">sessions<th class=\"n\">connections</tr>\n");
        for (const auto& on : status_.listeners)
            add("<tr><td>{}<td>{}<td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}</tr>\n", escaped(on.name),
                escaped(on.address), escaped(on.role), escaped(on.tls), on.sessions, on.connections);
        add("</table></div>\n");
    }

    void total(std::string_view name, std::uint64_t value) {
        add("<tr><td>{}<td class=\"n\">{}</tr>\n", name, value);
    }

    void add_totals() {
        add("<h2>Since the start</h2>\n<table>\n");
        total("messages accepted", status_.messages_accepted);
        total("messages refused", status_.messages_refused);
        total("recipients refused", status_.recipients_refused);
        total("delivered", status_.delivered);
        total("deferred, to be tried again", status_.deferred);
        total("failed", status_.failed);
        total("set aside", status_.set_aside);
        total("lines of the log lost", status_.log_lines_dropped);
        add("</table>\n");
        if (status_.certificate_expires > 0)
            add("<p>The first certificate expires on {}.</p>\n",
                local_time_text(status_.certificate_expires));
        if (seen_.disk_free)
            add("<p>{} MiB are free where the state folder lies.</p>\n", *seen_.disk_free / (1024 * 1024));
    }

    void add_queue() {
        add("<h2>Queue</h2>\n<p>Messages: {}; being delivered now: {}; waiting for the disk: {}.</p>\n",
            status_.queue_messages, seen_.deliveries_under_way, status_.queue_pending);
        if (seen_.oldest.empty()) return;
        add("<div class=\"wide\"><table>\n<tr><th>oldest first<th>age<th>from<th>to, and the last "
            "answer</tr>\n");
        for (const auto& message : seen_.oldest) add_message(message);
        add("</table></div>\n");
    }

    void add_message(const storage::queued_message& message) {
        add("<tr><td>{}{}<td>{}<td>{}<td>", message.id.to_string(), message.held ? "<br>held" : "",
            age_text(seen_.now - message.arrived / 1'000'000), escaped("<" + message.sender + ">"));
        std::size_t waiting = 0;
        for (const auto& to : message.recipients) {
            const bool is_open = to.state == recipient_state::waiting || to.state == recipient_state::aside;
            if (!is_open || ++waiting > recipients_shown) continue;
            add("<div>{} <small>{}</small></div>", escaped(to.address),
                to.tries == 0 ? "not tried yet" : escaped(to.last_reply));
        }
        if (waiting > recipients_shown) add("<div>and {} more</div>", waiting - recipients_shown);
        add("</tr>\n");
    }

    const observed& seen_;
    const server_status& status_;
    std::string text_;
};

} // namespace

std::string render_status_page(const observed& seen) { return page(seen).render(); }

} // namespace postern::server

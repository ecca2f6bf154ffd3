// The lines of the log: Postfix's forms stay what log readers expect, and no peer can forge a field.
#include "server/log.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <regex>

using namespace postern;
using namespace postern::server;

namespace {

const log_identity who{.host = "mx1", .syslog_name = "postfix", .pid = 4242};
constexpr std::int64_t noon = 1767268800'123456; // 2026-01-01 12:00:00.123456 UTC

struct form_case {
    log_record record;
    std::string line; // after the prefix "Mmm dd HH:MM:SS mx1 postfix/"
};

std::vector<form_case> forms() {
    return {
        {{.event = log_event::listening, .listener = "mx1d10", .address = "0.0.0.0:25"},
         "master[4242]: listening name=mx1d10 address=0.0.0.0:25"},
        {{.event = log_event::note, .level = conf::log_level::warning, .text = "disk is slow"},
         "master[4242]: warning: disk is slow"},
        {{.event = log_event::fault,
          .level = conf::log_level::error,
          .session = "S1",
          .client = "192.0.2.1",
          .text = "broken"},
         "smtpd[4242]: error: broken from unknown[192.0.2.1], session=S1"},
        {{.event = log_event::connected, .session = "S1", .listener = "mx", .client = "192.0.2.1"},
         "smtpd[4242]: connect from unknown[192.0.2.1], listener=mx, session=S1"},
        {{.event = log_event::connected, .client = "2001:db8::1"},
         "smtpd[4242]: connect from unknown[2001:db8::1]"},
        {{.event = log_event::disconnected,
          .session = "S1",
          .client = "192.0.2.1",
          .commands = 7,
          .messages = 1},
         "smtpd[4242]: disconnect from unknown[192.0.2.1] commands=7 messages=1 session=S1"},
        {{.event = log_event::tls_established,
          .client = "192.0.2.1",
          .tls_protocol = "TLSv1.3",
          .tls_cipher = "TLS_AES_256_GCM_SHA384"},
         "smtpd[4242]: Anonymous TLS connection established from unknown[192.0.2.1]: TLSv1.3 with cipher "
         "TLS_AES_256_GCM_SHA384"},
        {{.event = log_event::rejected,
          .session = "S1",
          .client = "192.0.2.1",
          .helo = "c.test",
          .protocol = "ESMTP",
          .from = "a@s",
          .to = "x@d.test",
          .stage = "RCPT",
          .reply = "550 5.1.1 <x@d.test>: Recipient address rejected: User unknown",
          .test = "recipient",
          .has_from = true},
         "smtpd[4242]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <x@d.test>: Recipient "
         "address rejected: User unknown; "
         "from=<a@s> to=<x@d.test> proto=ESMTP helo=<c.test> test=recipient session=S1"},
        {{.event = log_event::not_accepted,
          .queue_id = "0K3ZP0Q8V1Y2A",
          .client = "192.0.2.1",
          .from = "",
          .reply = "552 5.3.4 too big",
          .has_from = true},
         "smtpd[4242]: 0K3ZP0Q8V1Y2A: reject: END-OF-MESSAGE from unknown[192.0.2.1]: 552 5.3.4 too big; "
         "from=<>"},
        {{.event = log_event::command_error,
          .client = "192.0.2.1",
          .stage = "EHLO",
          .text = "improper command pipelining"},
         "smtpd[4242]: improper command pipelining after EHLO from unknown[192.0.2.1]"},
        {{.event = log_event::lost_connection, .session = "S1", .client = "192.0.2.1", .stage = "DATA"},
         "smtpd[4242]: lost connection after DATA from unknown[192.0.2.1], session=S1"},
        {{.event = log_event::timed_out, .client = "192.0.2.1", .stage = "RCPT"},
         "smtpd[4242]: timeout after RCPT from unknown[192.0.2.1]"},
        {{.event = log_event::received, .session = "S1", .queue_id = "0K3ZP0Q8V1Y2A", .client = "192.0.2.1"},
         "smtpd[4242]: 0K3ZP0Q8V1Y2A: client=unknown[192.0.2.1], session=S1"},
        {{.event = log_event::named, .queue_id = "0K3ZP0Q8V1Y2A", .message_id = "1@s.test"},
         "cleanup[4242]: 0K3ZP0Q8V1Y2A: message-id=<1@s.test>"},
        {{.event = log_event::accepted,
          .session = "S1",
          .queue_id = "0K3ZP0Q8V1Y2A",
          .from = "a@s",
          .size = 123,
          .recipients = 1},
         "qmgr[4242]: 0K3ZP0Q8V1Y2A: from=<a@s>, size=123, nrcpt=1 (queue active), session=S1"},
        {{.event = log_event::delivered,
          .session = "S1",
          .queue_id = "0K3ZP0Q8V1Y2A",
          .to = "u@d",
          .original_to = "al@d",
          .reply = "delivered to maildir",
          .status_code = "2.0.0",
          .relay = "maildir",
          .delay = 0.05},
         "virtual[4242]: 0K3ZP0Q8V1Y2A: to=<u@d>, orig_to=<al@d>, relay=maildir, delay=0.050, dsn=2.0.0, "
         "status=sent (delivered to maildir), session=S1"},
        {{.event = log_event::deferred,
          .queue_id = "0K3ZP0Q8V1Y2A",
          .to = "u@d",
          .reply = "disk full",
          .status_code = "4.3.1",
          .relay = "maildir",
          .delay = 7200},
         "virtual[4242]: 0K3ZP0Q8V1Y2A: to=<u@d>, relay=maildir, delay=7200, dsn=4.3.1, status=deferred "
         "(disk full)"},
        {{.event = log_event::delivered,
          .queue_id = "0K3ZP0Q8V1Y2A",
          .to = "u@e",
          .reply = "250 ok",
          .status_code = "2.0.0",
          .relay = "mx.e[192.0.2.7]:25",
          .transport = "smtp",
          .tls = "plain",
          .delay = 0.5},
         "smtp[4242]: 0K3ZP0Q8V1Y2A: to=<u@e>, relay=mx.e[192.0.2.7]:25, delay=0.50, dsn=2.0.0, status=sent "
         "(250 ok), tls=plain"},
        {{.event = log_event::removed, .session = "S1", .queue_id = "0K3ZP0Q8V1Y2A"},
         "qmgr[4242]: 0K3ZP0Q8V1Y2A: removed, session=S1"},
    };
}

struct hostile_case {
    const char* what;
    std::string octets;
};

std::vector<hostile_case> hostile_inputs() {
    return {
        {"quotes and braces of JSON", "x\"},\"evil\":\"1"},
        {"a quoted local part with a field in it", "\"a\\\" status=sent\"@s.test"},
        {"an end of brackets and a field", "a>, relay=none, status=sent (ok) from=<b@c.test"},
        {"a terminal escape", "a\x1b[31mred"},
        {"a line end", "a\r\nJan  1 00:00:00 mx1 postfix/qmgr[1]: 123: removed"},
        {"a Unicode line separator", "a\xe2\x80\xa8"
                                     "b"},
        {"a bidi override", "a\xe2\x80\xae"
                            "b"},
        {"invalid UTF-8", "a\xff\xfe\xc0\x80"
                          "b"},
        {"a cut UTF-8 sequence", "a\xe2\x80"},
        {"conversions of printf and fmt", "%n%s{}{0}"},
        {"NUL", std::string("a\0b", 3)},
        {"a field in a reply that shows it",
         "550 5.1.1 <\"a>: ; from=<evil@x> to=<y@z> status=sent\"@d.test>: no"},
        {"very long", std::string(100'000, 'a')},
    };
}

log_record everywhere(log_event event, std::string_view hostile) {
    return {.event = event,
            .session = "S1",
            .queue_id = "0K3ZP0Q8V1Y2A",
            .client = "192.0.2.1",
            .helo = hostile,
            .protocol = "ESMTP",
            .from = hostile,
            .to = hostile,
            .original_to = hostile,
            .stage = hostile,
            .reply = hostile,
            .status_code = "2.0.0",
            .relay = "maildir",
            .message_id = hostile,
            .delay = 1,
            .has_from = true};
}

constexpr log_event peer_events[] = {
    log_event::rejected, log_event::command_error, log_event::lost_connection, log_event::named,
    log_event::accepted, log_event::not_accepted,  log_event::delivered,       log_event::deferred};

std::size_t count(const std::string& line, const std::string& form) {
    const std::regex pattern(form);
    return static_cast<std::size_t>(
        std::distance(std::sregex_iterator(line.begin(), line.end(), pattern), std::sregex_iterator()));
}

} // namespace

TEST_CASE("log lines have the forms of Postfix", "[log]") {
    for (const auto& row : forms()) {
        const std::string line = render_text(row.record, who, noon);
        const std::string head = "mx1 postfix/";
        const auto at = line.find(head);
        REQUIRE(at != std::string::npos);
        CHECK(line.substr(at + head.size()) == row.line);
    }
}

TEST_CASE("a text line starts as syslog's do", "[log]") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    CHECK(render_text({.event = log_event::stopped}, who, noon) ==
          "Jan  1 12:00:00 mx1 postfix/master[4242]: stopped");
    ::unsetenv("TZ");
    ::tzset();
}

TEST_CASE("fail2ban and pflogsumm find what they look for", "[log]") {
    const auto line = [](const log_record& record) { return render_text(record, who, noon); };
    const std::string reject = line({.event = log_event::rejected,
                                     .session = "S1",
                                     .client = "192.0.2.1",
                                     .helo = "c",
                                     .protocol = "SMTP",
                                     .from = "a@s",
                                     .to = "x@d",
                                     .stage = "RCPT",
                                     .reply = "550 5.1.1 <x@d>: Recipient address rejected: no",
                                     .has_from = true});
    const std::string prefix = R"(^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ postfix(-\w+)?/\w+\[\d+\]: )";
    CHECK(count(reject,
                prefix +
                    R"(\w+: reject: [A-Z]{4} from [^[]*\[192\.0\.2\.1\](:\d+)?: [45][50][04] [45]\.\d\.\d+ )"
                    R"((<[^>]*>)?: (Helo command|(Sender|Recipient) address) rejected: )") == 1);
    CHECK(count(reject, R"(; from=<([^>]*)> to=<([^>]+)> proto=SMTP helo=<c>)") == 1);
    const std::string sent = line({.event = log_event::delivered,
                                   .session = "S1",
                                   .queue_id = "0K3ZP0Q8V1Y2A",
                                   .to = "u@d",
                                   .reply = "delivered to maildir",
                                   .status_code = "2.0.0",
                                   .relay = "maildir",
                                   .delay = 1.5});
    CHECK(
        count(
            sent,
            prefix +
                R"((\w+): to=<([^>]*)>, (orig_to=<[^>]*>, )?relay=([^,]+), (conn_use=[^,]+, )?delay=([^,]+), )"
                R"((delays=[^,]+, )?(dsn=[^,]+, )?status=(\S+)(.*)$)") == 1);
    const std::string lost =
        line({.event = log_event::lost_connection, .session = "S1", .client = "192.0.2.1", .stage = "RCPT"});
    CHECK(count(lost, prefix + R"(lost connection after [A-Z]+ from [^[]*\[192\.0\.2\.1\])") == 1);
}

TEST_CASE("a peer can't forge a field of a text line", "[log][IN-01]") {
    for (const auto& input : hostile_inputs())
        for (const auto event : peer_events) {
            const std::string line = render_text(everywhere(event, input.octets), who, noon);
            INFO(input.what << ": " << line);
            const bool delivery = event == log_event::delivered || event == log_event::deferred;
            CHECK(count(line, "[\\s,(]status=") == (delivery ? 1u : 0u));
            CHECK(count(line, "[\\s,;]from=<") <= 1);
            CHECK(count(line, "[\\s,;]to=<") <= 1);
            CHECK(line.find("from=<evil") == std::string::npos);
            for (const char c : line) CHECK((c >= ' ' || c < 0));
            CHECK(line.find("\xe2\x80\xa8") == std::string::npos);
            CHECK(line.size() < 5000);
        }
}

TEST_CASE("a URL in a refusal keeps its query", "[log]") {
    const std::string line =
        render_text({.event = log_event::rejected,
                     .client = "192.0.2.1",
                     .stage = "RCPT",
                     .reply = "553 5.7.1 listed: https://bl.test/?ip=192.0.2.1&zone=x status=sent"},
                    who, noon);
    CHECK(line.find("https://bl.test/?ip=192.0.2.1&zone=x status:sent") != std::string::npos);
}

TEST_CASE("a JSON line is one object, and a peer adds nothing to it", "[log][IN-01]") {
    for (const auto& input : hostile_inputs())
        for (const auto event : peer_events) {
            const std::string line = render_json(everywhere(event, input.octets), who, noon);
            INFO(input.what << ": " << line);
            boost::system::error_code failure;
            const auto parsed = boost::json::parse(line, failure); // refuses invalid UTF-8
            REQUIRE_FALSE(failure);
            CHECK_FALSE(parsed.as_object().contains("evil"));
            CHECK(parsed.as_object().contains("helo"));
            CHECK(line.find('\n') == std::string::npos);
            CHECK(line.find("\xe2\x80\xa8") == std::string::npos);
        }
}

TEST_CASE("a JSON line says time, level and event, and no empty field", "[log]") {
    const std::string line =
        render_json({.event = log_event::listening, .listener = "mx", .address = "[::]:25"}, who, noon);
    CHECK(
        line ==
        R"({"time":"2026-01-01T12:00:00.123456Z","level":"info","event":"listening","host":"mx1","pid":4242,)"
        R"("name":"mx","address":"[::]:25"})");
    const std::string accepted = render_json(
        {.event = log_event::accepted, .queue_id = "Q", .size = 5, .recipients = 1, .has_from = true}, who,
        noon);
    CHECK(accepted.find(R"("from":"","size":5,"recipients":1)") != std::string::npos);
}

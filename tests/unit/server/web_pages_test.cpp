// The pages as functions of what was seen: Prometheus' text, /healthz, and a status page that no address can
// break out of.
#include "server/admin/health.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/status_page.hpp"
#include "server/admin/web_site.hpp"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::server;
using Catch::Contains;

namespace {

observed quiet_server() {
    observed made;
    made.now = 1'800'000'100;
    made.status.version = "1.2.3";
    made.status.hostname = "mx.example";
    made.status.started = 1'800'000'000;
    made.status.listeners = {{"mx", "127.0.0.1:25", "mx", "starttls", 3, 40}};
    return made;
}

storage::queued_message waiting_message(std::string sender, std::string recipient, std::string last_reply) {
    storage::queued_message made;
    made.id = storage::queue_id{0x1234};
    made.arrived = 1'800'000'000'000'000;
    made.sender = std::move(sender);
    storage::queued_recipient to;
    to.address = std::move(recipient);
    to.last_reply = std::move(last_reply);
    to.tries = 1;
    made.recipients.push_back(std::move(to));
    return made;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

class one_server final : public web_target {
  public:
    server_status status() override { return seen.status; }
    observed observe() override {
        ++looks;
        return seen;
    }
    std::vector<storage::queued_message> oldest() override {
        ++reads;
        return {waiting_message("s", "r@d.test", "4.2.0 no")};
    }
    observed seen = quiet_server();
    int looks = 0, reads = 0;
};

} // namespace

TEST_CASE("metrics: each family has its help and type, and then its samples") {
    auto seen = quiet_server();
    seen.status.messages_accepted = 7;
    seen.status.deferred = 2;
    seen.handshakes = {{"TLSv1.3", 5, 6}};
    const auto text = render_metrics(seen);
    CHECK_THAT(text,
               Contains("# HELP postern_messages_accepted_total Messages that were answered 250 and are "
                        "the server's.\n# TYPE postern_messages_accepted_total counter\n"
                        "postern_messages_accepted_total 7\n"));
    const char* lines[] = {
        "postern_build_info{version=\"1.2.3\"} 1",
        "postern_start_time_seconds 1800000000",
        "postern_sessions{listener=\"mx\",address=\"127.0.0.1:25\"} 3",
        "postern_connections_total{listener=\"mx\",address=\"127.0.0.1:25\"} 40",
        "postern_deliveries_total{result=\"deferred\"} 2",
        "postern_tls_handshakes_total{version=\"TLSv1.3\",resumed=\"false\"} 5",
        "postern_tls_handshakes_total{version=\"TLSv1.3\",resumed=\"true\"} 6",
    };
    for (const auto* line : lines) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
    CHECK(text.back() == '\n');
}

TEST_CASE("metrics: each destination has its tries, its line and whether it backs off") {
    auto seen = quiet_server();
    seen.notices = 3;
    seen.notices_put_off = 4;
    destination_status one;
    one.name = "d\"test";
    one.deferred = 7;
    one.waiting = 12;
    one.in_flight = 2;
    one.retry_at = seen.now + 5;
    destination_status other;
    other.name = "other";
    other.failed = 9;
    seen.destinations = {one, other};
    const auto text = render_metrics(seen);
    const char* lines[] = {
        R"(postern_destination_deliveries_total{destination="d\"test",result="deferred"} 7)",
        R"(postern_destination_deliveries_total{destination="other",result="failed"} 9)",
        R"(postern_destination_queued{destination="d\"test"} 12)",
        R"(postern_destination_in_flight{destination="d\"test"} 2)",
        R"(postern_destination_backing_off{destination="d\"test"} 1)",
        R"(postern_destination_backing_off{destination="other"} 0)",
        R"(postern_notices_total{result="made"} 3)",
        R"(postern_notices_total{result="put_off"} 4)",
    };
    for (const auto* line : lines) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
}

TEST_CASE("metrics: what isn't known has no sample rather than a wrong one") {
    auto seen = quiet_server();
    CHECK_THAT(render_metrics(seen), !Contains("disk_free") && !Contains("certificate_expiry"));
    seen.disk_free = 5;
    seen.status.certificate_expires = 1'900'000'000;
    CHECK(has_line(render_metrics(seen), "postern_disk_free_bytes 5"));
    CHECK(has_line(render_metrics(seen), "postern_certificate_expiry_timestamp_seconds 1900000000"));
}

TEST_CASE("metrics: a histogram's buckets add up, and end with all of them") {
    auto seen = quiet_server();
    histogram times;
    times.add(std::chrono::microseconds(200));
    times.add(std::chrono::milliseconds(2));
    times.add(std::chrono::hours(1));
    seen.reply_times = times.read();
    const auto text = render_metrics(seen);
    const char* lines[] = {
        "# TYPE postern_reply_seconds histogram",       "postern_reply_seconds_bucket{le=\"0.00025\"} 1",
        "postern_reply_seconds_bucket{le=\"0.001\"} 1", "postern_reply_seconds_bucket{le=\"0.0025\"} 2",
        "postern_reply_seconds_bucket{le=\"10\"} 2",    "postern_reply_seconds_bucket{le=\"+Inf\"} 3",
        "postern_reply_seconds_sum 3600.0022",          "postern_reply_seconds_count 3",
    };
    for (const auto* line : lines) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
}

TEST_CASE("metrics: a label's value ends neither itself nor the line") {
    auto seen = quiet_server();
    seen.status.listeners[0].name = "a\\b\"c\nd";
    CHECK(has_line(render_metrics(seen),
                   R"(postern_sessions{listener="a\\b\"c\nd",address="127.0.0.1:25"} 3)"));
}

TEST_CASE("metrics: alarms are counted by what they mean for mail") {
    auto seen = quiet_server();
    seen.status.alarms = {{"full", alarm::weight::refusing}, {"old"}, {"older"}};
    CHECK(has_line(render_metrics(seen), "postern_alarms{severity=\"refusing\"} 1"));
    CHECK(has_line(render_metrics(seen), "postern_alarms{severity=\"degraded\"} 2"));
}

TEST_CASE("health: only what keeps new mail out takes the server out") {
    server_status status;
    CHECK(health_of(status).takes_mail);
    CHECK(health_of(status).text == "ok\n");

    status.alarms = {{"a certificate expires"}};
    CHECK(health_of(status).takes_mail);
    CHECK(health_of(status).text == "ok\ndegraded: a certificate expires\n");

    status.alarms.push_back({"no room\nok", alarm::weight::refusing});
    CHECK(!health_of(status).takes_mail);
    CHECK(health_of(status).text == "no room?ok\ndegraded: a certificate expires\n");

    status.alarms.clear();
    status.draining = true;
    CHECK(!health_of(status).takes_mail);
    CHECK_THAT(health_of(status).text, Catch::StartsWith("draining"));
}

TEST_CASE("health: a write that doesn't end keeps new mail out, though no error was ever told") {
    using std::chrono::seconds;
    const auto now = std::chrono::steady_clock::now();
    CHECK_FALSE(alarm_of_write(std::nullopt, now));
    CHECK_FALSE(alarm_of_write(now - seconds(29), now));
    const auto hangs = alarm_of_write(now - seconds(31), now);
    REQUIRE(hangs);
    CHECK(hangs->how == alarm::weight::refusing);
    CHECK_THAT(hangs->text, Contains("has lasted for 31 s"));
}

TEST_CASE("status page: the state comes in words, with its alarms") {
    auto seen = quiet_server();
    CHECK_THAT(render_status_page(seen),
               Contains("class=\"state good\"><p>Mail is taken, and nothing needs"));
    seen.status.alarms = {{"a <certificate> expires"}};
    CHECK_THAT(render_status_page(seen),
               Contains("class=\"state poor\"") && Contains("<li>a &lt;certificate&gt; expires</li>"));
    seen.status.alarms[0].how = alarm::weight::refusing;
    CHECK_THAT(render_status_page(seen), Contains("class=\"state bad\"><p>No new mail is taken."));
    seen.status.draining = true;
    CHECK_THAT(render_status_page(seen), Contains("The server is stopping"));
}

TEST_CASE("status page: no address and no reply becomes markup") {
    const char* hostile[] = {
        "\"<script>alert(1)</script>\"@d.test",
        "<img src=x onerror=alert(1)>@d.test",
        "a'onmouseover='alert(1)@d.test",
        "\"--></td></table><iframe>\"@d.test",
        "&lt;b&gt;@d.test",
    };
    for (const auto* text : hostile) {
        CAPTURE(text);
        for (const int part : {0, 1, 2}) {
            auto seen = quiet_server();
            seen.oldest.push_back(waiting_message(part == 0 ? text : "s", part == 1 ? text : "r",
                                                  part == 2 ? text : "4.2.0 x"));
            const auto made = render_status_page(seen);
            CHECK_THAT(made, !Contains(text) && !Contains("<script") && !Contains("<img") &&
                                 !Contains("<iframe") && !Contains("'onmouseover"));
        }
    }
}

TEST_CASE("status page: control characters and broken UTF-8 don't reach the browser") {
    auto seen = quiet_server();
    seen.oldest.push_back(waiting_message("a\x1b[2Jb", "r\xff\xfe@d.test", "4.2.0 a\r\nb\0c"));
    const auto made = render_status_page(seen);
    for (const char c : made) {
        const auto octet = static_cast<unsigned char>(c);
        CHECK((octet >= 0x20 || octet == '\n'));
    }
    CHECK_THAT(made, !Contains("\xff") && !Contains("\xfe"));
}

TEST_CASE("status page: a message of many recipients shows a few and counts the rest") {
    auto seen = quiet_server();
    auto message = waiting_message("s", "first@d.test", "4.2.0 no");
    const auto one = message.recipients[0];
    for (int i = 0; i < 1000; ++i) message.recipients.push_back(one);
    message.recipients[0].state = storage::recipient_state::delivered;
    seen.oldest.push_back(message);
    const auto made = render_status_page(seen);
    CHECK_THAT(made, Contains("and 997 more"));
    CHECK(made.size() < 10'000);
}

TEST_CASE("status page: it fetches nothing and runs nothing") {
    const auto made = render_status_page(quiet_server());
    CHECK_THAT(made, !Contains("<script") && !Contains("src=") && !Contains("http://") &&
                         !Contains("https://") && !Contains("@import") && !Contains("url("));
    CHECK_THAT(made, Contains("http-equiv=\"refresh\" content=\"10\"") && Contains("width=device-width"));
}

TEST_CASE("web site: a path is what it is") {
    one_server target;
    web_site site(target);
    const std::pair<const char*, unsigned> paths[] = {
        {"/", 200},           {"/metrics", 200}, {"/healthz", 200}, {"", 404},
        {"/metrics/", 404},   {"/METRICS", 404}, {"//", 404},       {"/../etc/passwd", 404},
        {"/healthz%00", 404}, {"*", 404},        {"http://a/", 404}};
    for (const auto& [path, status] : paths) {
        CAPTURE(path);
        const auto answer = site.page(path);
        CHECK(answer.status == status);
        if (status == 404) CHECK(answer.body == "Not Found\n");
    }
}

TEST_CASE("web site: only the page reads messages") {
    one_server target;
    web_site site(target);
    site.page("/metrics");
    site.page("/healthz");
    CHECK(target.reads == 0);
    CHECK_THAT(site.page("/").body, Contains("r@d.test"));
    CHECK(target.reads == 1);
}

TEST_CASE("web site: a flood of requests looks at the disk once a second at the most") {
    one_server target;
    web_site site(target);
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) site.page(i % 2 == 0 ? "/metrics" : "/");
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    CHECK(target.looks <= seconds.count() + 1);
    CHECK(target.reads <= target.looks);
    CHECK_THAT(site.page("/").body, Contains("r@d.test"));
    target.seen.status.draining = true;
    CHECK(site.page("/healthz").status == 503); // never old
}

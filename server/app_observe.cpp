// What the status pages show of the server: copies of its counters and a few questions to the system.
#include "server/app.hpp"

#include "policy/check.hpp"

#include "conf/settings.hpp"
#include "server/clock.hpp"

#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace postern::server {

namespace {

constexpr std::size_t destinations_looked_at = 1000; // with the longest lines

std::uint64_t resident_octets() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t whole = 0, resident = 0;
    in >> whole >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t milliseconds_of(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
}

void look_at_process(observed& into) {
    into.descriptors_open = open_descriptors();
    into.descriptors_limit = descriptor_limit();
    into.resident_octets = resident_octets();
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0)
        into.processor_milliseconds = milliseconds_of(used.ru_utime) + milliseconds_of(used.ru_stime);
}

} // namespace

start_problem app::bind_http() {
    const auto config = config_.get()->config;
    if (auto problem = bind_http(config->admin.http, "admin.http", http_); !problem.text.empty())
        return problem;
    return bind_http(config->identity.http, "identity.http", public_http_);
}

start_problem app::bind_http(const std::string& where, const char* key, std::unique_ptr<http_listener>& to) {
    const auto address = conf::parse_endpoint(where);
    if (!address) return {};
    to = std::make_unique<http_listener>(main_.get_executor());
    const auto why = to->listen(*address);
    if (why.empty()) return {};
    to.reset();
    const auto problem = fmt::format("{}: {}", key, why);
    if (!takes_over_) return {exit_code::unavailable, problem};
    journal_->fault(problem + "; mail goes on without it"); // there is no way back
    return {};
}

void app::serve_http() {
    identity_page_.emplace(*desk_, config_);
    public_pages_.add(*identity_page_);
    autoconfig_page_.emplace(config_, *accounts_);
    public_pages_.add(*autoconfig_page_);
    all_pages_.add(site_);
    all_pages_.add(public_pages_);
    const auto begin = [this](std::unique_ptr<http_listener> on, http_pages& pages, const char* key) {
        if (!on) return;
        spawn(main_.get_executor(), http_listener::serve(std::move(on), pages),
              [this, key](std::string_view what) { journal_->fault(fmt::format("{}: {}", key, what)); });
    };
    begin(std::move(http_), all_pages_, "admin.http");
    begin(std::move(public_http_), public_pages_, "identity.http");
}

observed app::observe() {
    observed made;
    made.status = status();
    made.now = now_seconds();
    if (const auto totals = queue_->totals()) made.queue_octets = totals->octets;
    made.deliveries_under_way = attempts_.size();
    const auto& commits = spool_->measures();
    made.messages_committed = commits.messages.load(std::memory_order_relaxed);
    made.commit_times = commits.times.read();
    made.reply_times = counts_.reply_times.read();
    made.notices = counts_.notices;
    made.notices_put_off = counts_.notices_put_off;
    for (std::size_t i = 0; i < handshake_counts::versions.size(); ++i) {
        const auto& row = counts_.handshakes.by_version[i];
        made.handshakes.push_back({handshake_counts::versions[i], row.whole, row.resumed});
    }
    made.handshakes_failed = counts_.handshakes_failed;
    made.dane = config_.get()->config->relay.tls == conf::relay_tls::dane && dane_off().empty();
    made.sent_plain = counts_.sent.plain;
    made.sent_encrypted = counts_.sent.encrypted;
    made.sent_verified = counts_.sent.verified;
    made.sent_refused = counts_.sent.refused;
    made.put_off = counts_.put_off;
    made.logins = counts_.logins;
    made.logins_denied = counts_.logins_denied;
    made.logins_put_off = counts_.logins_put_off;
    const auto rows = policy::registry();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& counts = counts_.tests.at(i);
        if (made.tests.empty() || made.tests.back().test != rows[i].name)
            made.tests.push_back({rows[i].name});
        auto& test = made.tests.back(); // a test may be two checks, one after the other
        test.passed = counts.passed;    // of those that came so far
        test.rejected += counts.rejected;
        test.deferred += counts.deferred;
        test.reported += counts.reported;
    }
    made.dns_looked_up = counts_.dns.looked_up;
    made.dns_from_cache = counts_.dns.from_cache;
    made.dns_sent = counts_.dns.sent;
    made.dns_silent = counts_.dns.silent;
    made.dns_later = counts_.dns.later;
    made.dns_in_flight = counts_.dns.in_flight;
    const auto scanners = scanners_->now();
    made.scanners = scanners.workers;
    made.scanners_free = scanners.free;
    made.signatures = scanners.signatures;
    made.scanner_starts = scanners.programs;
    made.scans_done = scanners_->counts().done;
    made.scans_failed = scanners_->counts().failed;
    made.scan_times = scanners_->counts().times.read();
    made.ledger_dropped = ledger_->dropped();
    made.destinations = destinations();
    const auto config = config_.get()->config;
    if (const auto free = storage::system_files().free_bytes(config->server.state_dir))
        made.disk_free = *free;
    made.disk_low = counts_.disk_low;
    look_at_process(made);
    return made;
}

std::vector<destination_status> app::destinations() {
    std::vector<destination_status> seen;
    for (auto& one : runner_->look_at_destinations(destinations_looked_at)) {
        destination_status row;
        row.name = std::move(one.name);
        row.waiting = one.waiting;
        row.in_flight = one.connections;
        row.connections_allowed = one.connections_allowed;
        row.failures = one.failures;
        if (one.closed_for.count() > 0) row.retry_at = now_seconds() + one.closed_for.count();
        row.last_error = std::move(one.last_error);
        seen.push_back(std::move(row));
    }
    return merge_destinations(destination_counts_.read(), seen, destination_counts::shown_max);
}

desk_answer app::ask_owner(std::string_view account, std::string_view address) {
    return desk_->ask_owner(*config_.get()->config, account, address);
}

std::vector<storage::queued_message> app::oldest() {
    auto page = queue_->list(storage::queue_id{}, oldest_shown);
    if (!page) return {};
    return std::move(page->messages);
}

} // namespace postern::server

// Reload, what happens by time, and what can be seen. A reload builds everything anew and swaps one pointer,
// or changes nothing and says why.
#include "server/app.hpp"

#include "conf/settings.hpp"
#include "server/admin/health.hpp"
#include "server/clock.hpp"
#include "server/version.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace postern::server {
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds upkeep_interval{2};
constexpr std::chrono::seconds certificate_interval{10};
constexpr std::chrono::hours ticket_interval{12};
constexpr std::chrono::seconds readers_interval{60};
constexpr const char* state_replaced = "server.state_dir is another folder than at the start (was something "
                                       "mounted there, or it renamed?): MAIL "
                                       "is answered 452 until it is back or the server restarted";
// After a write to the queue failed. Then a balancer must send mail again, or nobody finds out that it works.
constexpr std::chrono::minutes shunned_for{1};
constexpr std::int64_t expiry_warning = 14 * 86400; // seconds

std::string tls_name(conf::tls_mode mode) {
    switch (mode) {
    case conf::tls_mode::off: return "off";
    case conf::tls_mode::implicit: return "implicit";
    case conf::tls_mode::automatic:
    case conf::tls_mode::starttls: break;
    }
    return "starttls";
}

} // namespace

// Whoever rotated the log waits for a new file, whatever became of the configuration.
void app::refuse_reload(const std::vector<std::string>& why) {
    const auto config = config_.get()->config;
    journal_->reopen(config->log, config->server.hostname);
    const auto tell = [this](std::string_view text) {
        journal_->write({.event = log_event::reload_refused, .level = conf::log_level::error, .text = text});
    };
    for (const auto& text : why) tell(text);
    tell("the configuration in force goes on");
}

app::reload_outcome app::reload() {
    manager_.reloading();
    auto outcome = reload_now();
    manager_.ready();
    return outcome;
}

app::reload_outcome app::reload_now() {
    reload_outcome outcome;
    const auto read = conf::load_file(config_file_);
    for (const auto& finding : read.findings) outcome.messages.push_back(finding.to_string());
    loading next;
    const auto of_domains = tiers_of_domains();
    if (read.ok()) {
        auto changed = std::make_shared<conf::config>(*read.snapshot);
        auto told = conf::keep_what_needs_restart(*config_.get()->config, *changed);
        outcome.messages.insert(outcome.messages.end(), told.begin(), told.end());
        const auto unscanned = scanning::antivirus_problem(*changed, of_domains);
        if (unscanned.empty()) next = make_snapshot(std::move(changed), bad_pair::is_an_error);
        if (!unscanned.empty()) outcome.messages.push_back(unscanned);
        outcome.messages.insert(outcome.messages.end(), next.problems.begin(), next.problems.end());
        outcome.messages.insert(outcome.messages.end(), next.remarks.begin(), next.remarks.end());
    }
    if (!next.made) {
        refuse_reload(outcome.messages);
        return outcome;
    }
    journal_->reopen(next.made->config->log, next.made->config->server.hostname);
    use(std::move(next));
    reload_dns();
    change_scanners(of_domains);
    if (logins_) logins_->remember_for(config_.get()->config->auth.remember);
    reloaded_ = now_seconds();
    outcome.ok = true;
    for (const auto& text : outcome.messages) journal_->note(text);
    journal_->write({.event = log_event::reloaded, .text = config_file_});
    runner_->wake();
    return outcome;
}

void app::change_scanners(const scanning::domain_tiers& of_domains) {
    scanners_->change(scanning::terms_of(*config_.get()->config, of_domains));
}

void app::wake_queue() { runner_->wake(); }

boost::asio::awaitable<std::vector<storage::wish_outcome>>
app::steer_queue(storage::queue_wish wish, std::vector<storage::queue_id> ids) {
    return steering_->steer(wish, std::move(ids));
}

void app::upkeep() {
    const auto now = std::chrono::steady_clock::now();
    upkeep_timer_.expires_after(upkeep_interval);
    upkeep_timer_.async_wait(in_room(upkeep_room_, [this](error_code ec) {
        if (!ec) upkeep();
    }));
    check_disk();
    accepting_->look(now);
    tell_manager_status();
    watch_dns(now);
    if (scanners_->take_lack()) change_scanners(tiers_of_domains());
    zones_.look(now, config_.get()->config, *dns_, beside_, *journal_);
    if (now - certificates_checked_ >= certificate_interval) {
        certificates_checked_ = now;
        watch_certificates();
    }
    if (now - tickets_rotated_ >= ticket_interval) {
        tickets_rotated_ = now;
        for (auto& [name, keys] : tickets_) keys->rotate();
    }
    // A command that was killed while it read; until then the files may grow.
    if (now - readers_cleared_ >= readers_interval) {
        readers_cleared_ = now;
        (void)queue_->clear_dead_readers();
        (void)accounts_->clear_dead_readers();
    }
}

void app::check_disk() {
    const auto config = config_.get()->config;
    const auto on_disk = storage::system_files().free_bytes(config->server.state_dir);
    counts_.no_new_bodies = !on_disk || *on_disk < config->queue.min_free;
    const auto free = queue_->room(config->queue.min_free);
    const bool replaced = !queue_->is_in_place();
    const bool low = replaced || !free || *free < config->queue.min_free;
    if (counts_.disk_low.exchange(low) == low) return;
    if (!low) return journal_->note("the state folder's disk has room again: mail is accepted");
    if (replaced) return journal_->fault(state_replaced);
    journal_->fault(
        free ? fmt::format("only {} octets are free in {}, below queue.min_free: MAIL is answered 452", *free,
                           config->server.state_dir)
             : fmt::format("{} cannot be asked for its free space: {}", config->server.state_dir,
                           free.error().message()));
}

void app::add_alarms_of_storing(server_status& made) const {
    if (!queue_->is_in_place())
        made.alarms.push_back({state_replaced, alarm::weight::refusing});
    else if (counts_.disk_low)
        made.alarms.push_back(
            {"the disk of the state folder is nearly full: MAIL is answered 452", alarm::weight::refusing});
    else if (counts_.no_new_bodies)
        made.alarms.push_back(
            {"the disk of the state folder is nearly full: messages above 64 KiB are answered "
             "452, others have room within the queue's file"});
    if (auto hangs = alarm_of_write(spool_->writing_since(), std::chrono::steady_clock::now()))
        made.alarms.push_back(std::move(*hangs));
    if (const auto last = spool_->last_outcome(); last.ec)
        made.alarms.push_back({"the last write to the queue failed: " + last.ec.message(),
                               std::chrono::steady_clock::now() - last.when < shunned_for
                                   ? alarm::weight::refusing
                                   : alarm::weight::degraded});
    if (queue_->has_lost_journal())
        made.alarms.push_back(
            {"a write to the journal failed: mail is accepted without it, more slowly; another "
             "journal is tried every 10 s"});
}

server_status app::status() {
    const auto now = config_.get();
    auto made = status_of_senders();
    made.version = std::string(version());
    made.hostname = now->config->server.hostname;
    made.pid = ::getpid();
    made.started = started_;
    made.reloaded = reloaded_;
    made.config_file = config_file_;
    made.sessions = limits_.sessions();
    made.messages_accepted = counts_.messages_accepted;
    made.messages_refused = counts_.messages_refused;
    made.recipients_refused = counts_.recipients_refused;
    made.delivered = counts_.delivered;
    made.deferred = counts_.deferred;
    made.failed = counts_.failed;
    made.set_aside = counts_.set_aside;
    made.call_outs_known = counts_.call_outs.known;
    made.call_outs_unknown = counts_.call_outs.unknown;
    made.call_outs_unavailable = counts_.call_outs.unavailable;
    made.call_outs_cached = counts_.call_outs.cached;
    if (const auto totals = queue_->totals()) made.queue_messages = totals->messages;
    made.queue_pending = spool_->pending();
    made.log_lines_dropped = journal_->dropped();
    made.certificate_expires = now->tls->earliest_expiry();
    made.draining = draining_;
    describe_dns(made);
    add_alarms_of_storing(made);
    if (const auto count = runner_->set_aside(); count != 0)
        made.alarms.push_back({fmt::format("{} accepted messages are damaged and not tried", count)});
    if (made.certificate_expires - now_seconds() < expiry_warning)
        made.alarms.push_back({"a certificate expires within 14 days"});
    if (auto trouble = scanners_->now().trouble; !trouble.empty())
        made.alarms.push_back({std::move(trouble)});
    for (auto& text : zones_.alarms()) made.alarms.push_back({std::move(text)});
    if (!complained_of_.empty())
        made.alarms.push_back({"a certificate on disk can't be used, the old one goes on: the log says why"});
    for (const auto& on : listeners_) {
        const auto* row = now->find_listener(on->settings->name);
        made.listeners.push_back(
            {on->settings->name, on->address.to_string(), std::string(conf::name_of(on->settings->role)),
             tls_name(row != nullptr ? row->tls : on->settings->tls), on->sessions, on->connections});
    }
    return made;
}

} // namespace postern::server

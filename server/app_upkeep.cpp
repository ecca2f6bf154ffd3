// Reload, what happens by time, and what can be seen. A reload builds everything anew and swaps one pointer,
// or changes nothing and says why.
#include "server/app.hpp"

#include "conf/settings.hpp"
#include "server/clock.hpp"
#include "server/version.hpp"
#include "tls/self_signed.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::server {
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds upkeep_interval{2};
constexpr std::chrono::seconds certificate_interval{30};
constexpr std::chrono::hours ticket_interval{12};
constexpr std::int64_t expiry_warning = 14 * 86400; // seconds

tls::cipher_policy ciphers_for(conf::listener_role role) {
    switch (role) {
    case conf::listener_role::mx: break;
    }
    return tls::cipher_policy::opportunistic;
}

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

std::shared_ptr<const snapshot> app::make_snapshot(std::shared_ptr<const conf::config> config,
                                                   std::vector<std::string>& problems) {
    conf::tls_settings tls = config->tls;
    if (tls.certificates.empty()) {
        bool made = false;
        auto own = tls::self_signed_certificate(config->server.state_dir + "/tls", config->server.hostname,
                                                now_seconds(), made);
        if (!own) {
            problems.push_back(fmt::format("no certificate is configured and none can be made in {}/tls: {}",
                                           config->server.state_dir, own.error().message()));
            return nullptr;
        }
        if (made || !own_certificate_)
            journal_->note(fmt::format("no certificate is configured: using a self-signed one for {}, {}",
                                       config->server.hostname, own->cert));
        own_certificate_ = *own;
        tls.certificates.push_back(std::move(*own));
    }
    std::vector<tls::server_contexts::listener> listeners;
    for (const auto& row : config->listeners) {
        auto& tickets = tickets_[row.name];
        if (!tickets) tickets = std::make_shared<tls::ticket_keys>();
        listeners.push_back({row.name, ciphers_for(row.role), tickets});
    }
    std::vector<tls::certificate_problem> bad;
    auto contexts = tls::server_contexts::load(tls, listeners, now_seconds(), bad);
    if (!contexts) {
        std::ifstream in(config_file_);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        for (const auto& one : bad) {
            auto where = conf::locate(text, config_file_, one.key);
            where.problem = one.problem;
            problems.push_back(where.to_string());
        }
        return nullptr;
    }
    auto made = std::make_shared<snapshot>();
    made->resolving = resolve_settings_of(*config);
    made->tls = std::move(contexts);
    made->config = std::move(config);
    return made;
}

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
    reload_outcome outcome;
    const auto read = conf::load_file(config_file_);
    for (const auto& finding : read.findings) outcome.messages.push_back(finding.to_string());
    std::shared_ptr<const snapshot> next;
    if (read.ok()) {
        auto changed = std::make_shared<conf::config>(*read.snapshot);
        auto told = conf::keep_what_needs_restart(*config_.get()->config, *changed);
        outcome.messages.insert(outcome.messages.end(), told.begin(), told.end());
        next = make_snapshot(std::move(changed), outcome.messages);
    }
    if (!next) {
        refuse_reload(outcome.messages);
        return outcome;
    }
    journal_->reopen(next->config->log, next->config->server.hostname);
    config_.swap(std::move(next));
    certificate_stamp_ = certificate_stamp();
    reloaded_ = now_seconds();
    outcome.ok = true;
    for (const auto& text : outcome.messages) journal_->note(text);
    journal_->write({.event = log_event::reloaded, .text = config_file_});
    runner_->wake();
    return outcome;
}

void app::wake_queue() { runner_->wake(); }

void app::upkeep() {
    const auto now = std::chrono::steady_clock::now();
    check_disk();
    if (now - certificates_checked_ >= certificate_interval) {
        certificates_checked_ = now;
        watch_certificates();
    }
    if (now - tickets_rotated_ >= ticket_interval) {
        tickets_rotated_ = now;
        for (auto& [name, keys] : tickets_) keys->rotate();
    }
    upkeep_timer_.expires_after(upkeep_interval);
    upkeep_timer_.async_wait([this](error_code ec) {
        if (!ec) upkeep();
    });
}

void app::check_disk() {
    const auto config = config_.get()->config;
    const auto free = storage::system_files().free_bytes(config->server.state_dir);
    const bool low = !free || *free < config->queue.min_free;
    if (counts_.disk_low.exchange(low) == low) return;
    if (!low) return journal_->note("the state folder's disk has room again: mail is accepted");
    journal_->fault(
        free ? fmt::format("only {} octets are free in {}, below queue.min_free: MAIL is answered 452", *free,
                           config->server.state_dir)
             : fmt::format("{} cannot be asked for its free space: {}", config->server.state_dir,
                           free.error().message()));
}

// Which files the certificates are, as far as stat() tells: when it changes, they are read again.
std::string app::certificate_stamp() const {
    std::string stamp;
    auto certificates = config_.get()->config->tls.certificates;
    if (own_certificate_) certificates.push_back(*own_certificate_);
    for (const auto& pair : certificates)
        for (const auto* path : {&pair.cert, &pair.key}) {
            struct stat facts{};
            if (::stat(path->c_str(), &facts) != 0) facts = {};
            fmt::format_to(std::back_inserter(stamp), "{}.{}.{}.{};", facts.st_ino, facts.st_mtim.tv_sec,
                           facts.st_mtim.tv_nsec, facts.st_size);
        }
    return stamp;
}

void app::watch_certificates() {
    auto stamp = certificate_stamp();
    if (stamp == certificate_stamp_) return;
    certificate_stamp_ = std::move(stamp);
    std::vector<std::string> problems;
    auto next = make_snapshot(config_.get()->config, problems);
    for (const auto& text : problems) journal_->fault("certificate not taken, the old one goes on: " + text);
    if (!next) return;
    config_.swap(std::move(next));
    journal_->note("certificates changed on disk: the new ones are in use");
}

server_status app::status() {
    const auto now = config_.get();
    server_status made;
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
    if (const auto totals = queue_->totals()) made.queue_messages = totals->messages;
    made.queue_pending = spool_->pending();
    made.log_lines_dropped = journal_->dropped();
    made.certificate_expires = now->tls->earliest_expiry();
    if (counts_.disk_low)
        made.alarms.push_back("the disk of the state folder is nearly full: MAIL is answered 452");
    if (const auto ec = spool_->last_outcome())
        made.alarms.push_back("the last write to the queue failed: " + ec.message());
    if (!damaged_.empty())
        made.alarms.push_back(fmt::format("{} accepted messages have lost their body file", damaged_.size()));
    if (made.certificate_expires - now_seconds() < expiry_warning)
        made.alarms.push_back("a certificate expires within 14 days");
    for (const auto& on : listeners_) {
        const auto* row = now->find_listener(on->settings->name);
        made.listeners.push_back({on->settings->name, on->address.to_string(), "mx",
                                  tls_name(row != nullptr ? row->tls : on->settings->tls), on->sessions,
                                  on->connections});
    }
    return made;
}

} // namespace postern::server

// From a configuration to what sessions use: as many sessions as there are descriptors for, and the
// certificates with the watch over their files, so that a renewal counts without a reload. At start and
// reload a pair that can't be used is an error; at the watch it stays as it was, is told once and tried again
// each time, and holds up no other.
#include "server/app.hpp"

#include "protocol/smtp/grammar.hpp"
#include "server/clock.hpp"
#include "server/own_addresses.hpp"
#include "server/smarthost_login.hpp"
#include "tls/self_signed.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/stat.h>

namespace postern::server {

namespace {

tls::cipher_policy ciphers_for(conf::listener_role role) {
    switch (role) {
    case conf::listener_role::mx:
    case conf::listener_role::secondary:
    case conf::listener_role::tempfail: break;
    case conf::listener_role::submission: return tls::cipher_policy::strict;
    }
    return tls::cipher_policy::opportunistic;
}

std::vector<std::string> with_places(const std::string& file,
                                     const std::vector<tls::certificate_problem>& found) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::vector<std::string> made;
    for (const auto& one : found) {
        auto where = conf::locate(text, file, one.key);
        where.problem = one.problem;
        made.push_back(where.to_string());
    }
    return made;
}

} // namespace

std::shared_ptr<const policy::rule_set> exempt_senders_of(const conf::config& config,
                                                          std::vector<std::string>& problems) {
    std::vector<policy::written_rule> rules;
    for (const auto& text : config.greylist.exempt_senders) {
        const auto pattern = policy::parse_sender_pattern(text);
        if (pattern)
            rules.push_back({policy::rule_action::allow, pattern->text});
        else
            problems.push_back("greylist.exempt_senders: " + policy::explain_error(pattern.error(), text));
    }
    return std::make_shared<const policy::rule_set>(rules);
}

std::shared_ptr<const std::vector<std::string>> host_names_of(const conf::config& config) {
    std::set<std::string> names{protocol::to_lower(std::string_view(config.server.hostname))};
    for (const auto& row : config.listeners) names.insert(protocol::to_lower(std::string_view(row.hostname)));
    return std::make_shared<const std::vector<std::string>>(names.begin(), names.end());
}

// limits.sessions as it can be kept; null when not even one session fits.
std::shared_ptr<const conf::config> app::fit_sessions(std::shared_ptr<const conf::config> config,
                                                      loading& told) const {
    const auto limit = descriptor_limit();
    auto others = descriptors_;
    others.dns_sockets = dns_sockets(config->dns);
    const auto fitting = sessions_that_fit(limit, others);
    if (config->limits.sessions <= fitting) return config;
    auto text = too_few_descriptors(config->limits.sessions, limit, others);
    if (fitting == 0) {
        told.problems.push_back(std::move(text));
        return nullptr;
    }
    told.remarks.push_back(std::move(text));
    auto fitted = std::make_shared<conf::config>(*config);
    fitted->limits.sessions = static_cast<unsigned>(fitting);
    return fitted;
}

app::loading app::make_snapshot(std::shared_ptr<const conf::config> config, bad_pair how) {
    loading made;
    config = fit_sessions(std::move(config), made);
    if (!config) return made;
    conf::tls_settings tls = config->tls;
    if (tls.certificates.empty()) {
        bool is_new = false;
        auto own = tls::self_signed_certificate(config->server.state_dir + "/tls", config->server.hostname,
                                                now_seconds(), is_new);
        if (!own) {
            made.problems.push_back(
                fmt::format("no certificate is configured and none can be made in {}/tls: {}",
                            config->server.state_dir, own.error().message()));
            return made;
        }
        if (is_new || !own_certificate_)
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
    made.certificate_stamp = certificate_stamp(config->tls); // first: a file may change while it is read
    const auto in_use = config_.get()->tls;
    std::vector<tls::certificate_problem> bad;
    auto contexts = tls::server_contexts::load(tls, listeners, now_seconds(), bad,
                                               how == bad_pair::keeps_the_old_one ? in_use.get() : nullptr);
    if (!bad.empty()) made.problems = with_places(config_file_, bad);
    if (!contexts) return made;
    auto whole = std::make_shared<snapshot>();
    whole->resolving = resolve_settings_of(*config);
    whole->own_addresses = std::make_shared<const std::vector<protocol::ip_address>>(own_addresses());
    std::vector<std::string> no_patterns; // apart: a pair of certificates may be kept as it was
    whole->exempt_senders = exempt_senders_of(*config, no_patterns);
    made.problems.insert(made.problems.end(), no_patterns.begin(), no_patterns.end());
    if (!no_patterns.empty()) return made;
    if (how == bad_pair::keeps_the_old_one) { // of the certificates alone
        whole->smarthost_login = config_.get()->smarthost_login;
    } else {
        auto login = read_smarthost_login(config->relay);
        if (!login.remark.empty())
            made.remarks.push_back(fmt::format("{}: {}", login_file_key, login.remark));
        if (!login.problem.empty()) {
            made.problems.push_back(fmt::format("{}: {}", login_file_key, login.problem));
            return made;
        }
        whole->smarthost_login = std::move(login.login);
    }
    whole->host_names = host_names_of(*config);
    whole->tls = std::move(contexts);
    whole->config = std::move(config);
    made.made = std::move(whole);
    return made;
}

void app::use(loading next) {
    config_.swap(std::move(next.made));
    certificate_stamp_ = std::move(next.certificate_stamp);
    keys_looked_ = {};
    complained_of_.clear();
}

start_problem app::make_certificates() {
    auto made = make_snapshot(config_.get()->config, bad_pair::is_an_error);
    if (!made.made) return {exit_code::config, fmt::format("{}", fmt::join(made.problems, "; "))};
    for (const auto& text : made.remarks)
        journal_->write({.event = log_event::note, .level = conf::log_level::warning, .text = text});
    use(std::move(made));
    return {};
}

conf::tls_settings app::with_own(conf::tls_settings settings) const {
    if (settings.certificates.empty() && own_certificate_) settings.certificates.push_back(*own_certificate_);
    return settings;
}

// Which files the certificates are, as far as stat() tells: rights and owner count too (ctime).
std::string app::certificate_stamp(const conf::tls_settings& settings) const {
    std::string stamp;
    for (const auto& pair : with_own(settings).certificates)
        for (const auto* path : {&pair.cert, &pair.key}) {
            struct stat facts{};
            if (::stat(path->c_str(), &facts) != 0) facts = {};
            fmt::format_to(std::back_inserter(stamp), "{}.{}.{}.{}.{}.{}.{};", facts.st_dev, facts.st_ino,
                           facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec,
                           facts.st_ctim.tv_nsec, facts.st_size);
        }
    return stamp;
}

void app::watch_certificates() {
    const auto config = config_.get()->config;
    const auto stamp = certificate_stamp(config->tls);
    if (stamp == certificate_stamp_) {
        complained_of_.clear();
        return look_at_keys(stamp);
    }
    if (config->tls.dane_check && waits_for_keys(stamp)) return;
    auto next = make_snapshot(config, bad_pair::keeps_the_old_one);
    if (next.made && next.problems.empty()) {
        use(std::move(next));
        return journal_->note("certificates changed on disk: the new ones are in use");
    }
    auto complaint = fmt::format("{}{}", next.certificate_stamp, fmt::join(next.problems, ";"));
    if (complaint == complained_of_) return;
    complained_of_ = std::move(complaint);
    // The stamp in use stays: as long as it differs from the files', they are tried again.
    if (next.made) config_.swap(std::move(next.made));
    for (const auto& text : next.problems)
        journal_->fault("certificate not taken, the old one goes on: " + text);
}

} // namespace postern::server

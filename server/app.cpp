// Start: sockets and the state folder while root, then privileges go, then all that the user must be able to
// open again later, then the first connection. End: no new
// connections, sessions end when it is polite, results are written, the log is flushed.
#include "server/app.hpp"

#include "server/clock.hpp"
#include "server/privileges.hpp"
#include "server/process_signals.hpp"
#include "server/table_terms.hpp"

#include <algorithm>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <fmt/format.h>
#include <ostream>
#include <thread>

namespace postern::server {
namespace asio = boost::asio;
using storage::storage_errc;

namespace {

constexpr unsigned pool_threads = 8;
constexpr std::size_t pool_queue_max = 4096;
// Maildirs may lie on a file system that hangs: what asks them has threads of its own.
constexpr unsigned room_threads = 4;
constexpr std::size_t room_queue_max = 1024;
constexpr std::chrono::milliseconds lock_poll{50};

} // namespace

storage::resolve_settings resolve_settings_of(const conf::config& config) {
    storage::resolve_settings made;
    made.max_targets = config.limits.alias_targets;
    made.catch_all_domains = config.local.catch_all_domains;
    made.hostname = config.server.hostname;
    made.postmaster =
        config.local.postmaster.empty() ? "postmaster@" + config.server.hostname : config.local.postmaster;
    return made;
}

app::app(std::string config_file, std::shared_ptr<const conf::config> config, start_way how,
         std::ostream& console)
    : config_file_(std::move(config_file)), how_(how), console_(console) {
    auto first = std::make_shared<snapshot>();
    first->resolving = resolve_settings_of(*config);
    first->config = std::move(config);
    config_.swap(std::move(first));
}

app::~app() { stop_services(); }

start_problem app::start() {
    const auto& server = config_.get()->config->server;
    if (auto problem = receive_sockets(); !problem.text.empty()) return problem;
    if (auto problem = bind_listeners(); !problem.text.empty()) return problem;
    if (auto problem = agree_to_take_over(); !problem.text.empty()) return problem;
    if (auto problem = listen_on_all(); !problem.text.empty()) return problem;
    descriptors_.opened = open_descriptors();
    descriptors_.deliveries = std::min(config_.get()->config->queue.deliveries, pool_threads);
    if (auto problem = take_state_folder(); !problem.text.empty()) return problem;
    const belongings things{server.state_dir, *lock_, config_.get()->config->admin.socket};
    if (auto text = drop_privileges(server.user, things); !text.empty()) return {exit_code::config, text};
    if (auto problem = open_journal(); !problem.text.empty()) return problem;
    manager_.on_trouble([this](std::string_view what) { journal_->fault(what); });
    journal_->write({.event = log_event::starting, .text = config_file_});
    for (const auto& text : remarks_) journal_->note(text);
    if (auto problem = open_all(); !problem.text.empty()) {
        journal_->fault("cannot start: " + problem.text);
        return problem;
    }
    start_services();
    say_listening();
    serve_http();
    give_sockets_to_manager();
    tell_manager_status();
    manager_.ready();
    watch_life();
    return {};
}

start_problem app::take_state_folder() {
    const auto& folder = config_.get()->config->server.state_dir;
    std::string about;
    const auto until = std::chrono::steady_clock::now() + predecessor_ends_within_;
    auto lock = storage::state_lock::take(folder, about);
    const auto is_held = [&lock] { return !lock && lock.error() == storage_errc::locked; };
    if (takes_over_ && is_held())
        console_ << fmt::format("postern: waiting for process {} to end its sessions, {} s at the most",
                                about, predecessor_ends_within_.count())
                 << std::endl;
    while (takes_over_ && is_held() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(lock_poll);
        lock = storage::state_lock::take(folder, about);
    }
    if (!lock && lock.error() == storage_errc::locked)
        return {exit_code::temporary,
                fmt::format("{}: another postern (process {}) uses this state folder", folder, about)};
    if (!lock && lock.error() == storage_errc::invalid)
        return {exit_code::cant_create, about + ": is no plain file of one name; remove it"};
    if (!lock) return {exit_code::cant_create, fmt::format("{}: {}", about, lock.error().message())};
    lock_.emplace(std::move(*lock));
    return {};
}

// After the drop: with root's rights a link in a folder of the user's could lead it anywhere, and what only
// root can open couldn't be opened again when it is rotated.
start_problem app::open_journal() {
    const auto config = config_.get()->config;
    std::string problem;
    journal_ = open_log(config->log, config->server.hostname, problem);
    if (journal_) return {};
    return {exit_code::cant_create,
            fmt::format("log.file: {}; the server's user must be able to write it: install -o {} -m 0640 "
                        "/dev/null {}",
                        problem, config->server.user.empty() ? "USER" : config->server.user,
                        config->log.file)};
}

start_problem app::open_all() {
    if (auto problem = make_certificates(); !problem.text.empty()) return problem;
    if (auto problem = open_storage(); !problem.text.empty()) return problem;
    if (auto problem = open_logins(); !problem.text.empty()) return problem;
    if (auto problem = open_srs_secrets(); !problem.text.empty()) return problem;
    if (auto problem = begin_scanners(); !problem.text.empty()) return problem;
    handover_ = std::make_unique<handover_listener>(config_.get()->config->server.state_dir);
    if (!handover_->problem().empty()) return {exit_code::cant_create, handover_->problem()};
    if (auto problem = bind_http(); !problem.text.empty()) return problem;
    return open_control_socket();
}

// Before the first session: none meets a test that can't be run yet.
start_problem app::begin_scanners() {
    const auto config = config_.get()->config;
    const auto of_domains = tiers_of_domains();
    if (auto text = scanning::antivirus_problem(*config, of_domains); !text.empty())
        return {exit_code::config, std::move(text)};
    const auto wanted = scanning::terms_of(*config, of_domains);
    scanners_.emplace(wanted.processes, *journal_);
    if (auto text = scanners_->begin(wanted); !text.empty()) return {exit_code::unavailable, std::move(text)};
    return {};
}

// One that can't be read counts when its mail comes.
scanning::domain_tiers app::tiers_of_domains() const {
    scanning::domain_tiers made;
    (void)accounts_->each_domain([&](const storage::domain_record& domain) {
        if (!domain.tier.empty()) made.insert(domain.tier);
        return true;
    });
    return made;
}

start_problem app::open_control_socket() {
    const auto& path = config_.get()->config->admin.socket;
    try {
        control_ = std::make_unique<control_listener>(path);
        return {};
    } catch (const boost::system::system_error& failure) {
        const auto ec = failure.code();
        const auto* cure = ec == boost::system::errc::address_in_use
                               ? "a server answers there: stop it, or choose another path"
                           : ec == boost::system::errc::file_exists
                               ? "what is there is no socket: remove it, or choose another path"
                               : "its folder must be there, and the server's user be able to write it";
        return {exit_code::cant_create, fmt::format("admin.socket: {}: {}; {}", path, ec.message(), cure)};
    }
}

// Of accounts, rules and refusals, and the greylist where a listener has it.
boost::system::error_code app::open_tables(const conf::config& config) {
    const auto& state = config.server.state_dir;
    auto environment = storage::open_accounts(state);
    if (!environment) return environment.error();
    auto accounts = storage::open_lmdb_directory(*environment);
    if (!accounts) return accounts.error();
    accounts_ = std::move(*accounts);
    auto rules = storage::open_lmdb_rules(*environment);
    if (!rules) return rules.error();
    rules_ = std::move(*rules);
    rule_book_.emplace(*rules_);
    auto identities = storage::open_lmdb_identities(*environment);
    if (!identities) return identities.error();
    identities_ = std::move(*identities);
    auto ledger = storage::open_lmdb_ledger(state, ledger_limits_of(config));
    if (!ledger) return ledger.error();
    ledger_ = std::move(*ledger);
    auto taught = storage::open_lmdb_tokens(state, tokens_limits_of(config));
    if (!taught) return taught.error();
    taught_ = std::move(*taught);
    if (const auto ec = open_rates(config)) return ec;
    return open_greylist(config);
}

boost::system::error_code app::open_greylist(const conf::config& config) {
    const auto is_secondary = [](const auto& row) { return row.role == conf::listener_role::secondary; };
    if (std::ranges::none_of(config.listeners, is_secondary)) return {};
    auto greylist = storage::open_lmdb_greylist(config.server.state_dir, greylist_limits_of(config));
    if (!greylist) return greylist.error();
    greylist_ = std::move(*greylist);
    return {};
}

// What is left of them is written when the keeper ends, after the last session.
void app::keep_tables() {
    constexpr std::size_t rows_a_step = 1000; // swept in one transaction
    const auto swept = [](const auto& step) -> result<bool> {
        if (!step) return {boost::system::in_place_error, step.error()};
        return {boost::system::in_place_value, step->more};
    };
    std::vector<kept_table> tables;
    tables.push_back({"the refusal ledger", [this] { return ledger_->flush(); },
                      [this, swept] {
                          const auto keep = config_.get()->config->ledger.keep.count();
                          return swept(ledger_->sweep(now_seconds(), keep, rows_a_step));
                      },
                      [this] { return ledger_->dropped(); }});
    if (greylist_)
        tables.push_back({"the greylist", [this] { return greylist_->flush(); },
                          [this, swept] {
                              const auto terms = greylist_terms_of(*config_.get()->config);
                              return swept(greylist_->sweep(now_seconds(), terms, rows_a_step));
                          }});
    for (auto& table : tables_of_sending()) tables.push_back(std::move(table));
    tables.push_back({"the foreign senders", [this] { return foreign_->flush(); },
                      [this] { return foreign_->sweep(); }, [this] { return foreign_->dropped(); }});
    table_keeper_.emplace(std::move(tables), *journal_);
}

start_problem app::open_storage() {
    const auto& state = config_.get()->config->server.state_dir;
    const auto unusable = [&](const char* what, const boost::system::error_code& ec) {
        return start_problem{exit_code::cant_create,
                             fmt::format("{}: {} cannot be opened: {}", state, what, ec.message())};
    };
    auto queue = storage::queue::open(storage::system_files(), state, {});
    if (!queue) return unusable("the queue", queue.error());
    queue_ = std::move(*queue);
    if (const auto ec = open_tables(*config_.get()->config)) return unusable("the tables", ec);

    const auto recovered = storage::recover(storage::system_files(), *queue_);
    if (!recovered) return unusable("the queue's bodies", recovered.error());
    journal_->note(fmt::format("recovery: {} messages in the queue, {} orphan body files removed",
                               recovered->messages, recovered->orphans_removed));
    if (recovered->journal.messages > 0)
        journal_->note(
            fmt::format("recovery: {} messages accepted just before the end were in the journal{}",
                        recovered->journal.messages,
                        recovered->owing ? ", and stay there until the queue has room for them" : ""));
    if (recovered->journal.gaps > 0)
        journal_->fault(fmt::format("recovery: the journal can't be read in {} places between its messages: "
                                    "what was there was damaged since, or never accepted",
                                    recovered->journal.gaps));
    if (const auto& due = recovered->due; due.added + due.removed + due.left > 0)
        journal_->fault(fmt::format("recovery: the queue's index of times due was damaged: {} entries added, "
                                    "{} removed, {} left as they are for want of room",
                                    due.added, due.removed, due.left));
    for (const auto id : recovered->damaged) {
        damaged_.insert(id);
        const auto place = queue_->place_of(id);
        journal_->fault(fmt::format(
            "message {} was accepted, and its record or its body file is missing or damaged; it stays in the "
            "queue untried: restore the queue, or bodies/{}, from a backup",
            id.to_string(), place ? place->path : storage::body_path(id)));
    }
    const auto highest = queue_->highest_id();
    if (!highest) return unusable("the queue", highest.error());
    ids_.emplace(*highest);
    session_ids_.emplace(storage::queue_id{});
    desk_.emplace(identity_desk::surroundings{*accounts_, *identities_, *ids_, *journal_});
    foreign_.emplace(*identities_, *desk_, config_);
    begin_sending();
    keep_tables();
    return {};
}

void app::start_services() {
    const auto now = std::chrono::steady_clock::now();
    tickets_rotated_ = certificates_checked_ = now;
    const auto config = config_.get()->config;
    started_ = now_seconds();
    pool_.emplace(pool_threads, pool_queue_max);
    room_pool_.emplace(room_threads, room_queue_max);
    room_.emplace(config_, *room_pool_, storage::system_files());
    begin_dns();
    primaries_.emplace(main_.get_executor(), config_, *journal_, counts_.call_outs, &*dns_);
    policy_.emplace(policy::services{*accounts_, *room_, *dns_, beside_, *rule_book_, zones_.health(),
                                     greylist_.get(), &*primaries_, &*taught_, &*identities_, &*foreign_,
                                     &*sending_, &*srs_});
    spool_.emplace(*queue_, config->queue.max_pending, [this](std::span<const storage::queue_id> ids) {
        if (runner_is_there_) runner_->arrived(ids); // else it looks at all when it starts
    });
    desk_->open(way_into_queue("an identity"));
    sending_notices_->open(way_into_queue("an account"));
    runner_.emplace(main_.get_executor(), config_, *spool_, attempts_,
                    delivery_services{storage::system_files(), *queue_, *accounts_, *ids_, *journal_, counts_,
                                      &*sending_, &*srs_, &notice_limit_, &destination_counts_},
                    std::move(damaged_), &*dns_);
    runner_is_there_ = true;
    steering_.emplace(main_.get_executor(), *spool_, attempts_, *journal_,
                      [this](storage::queue_id id, storage::wish_outcome outcome) {
                          if (outcome == storage::wish_outcome::done) runner_->look_again_at(id);
                          runner_->wake(); // it could not be taken meanwhile
                      });
    services_.emplace(session_services{config_, *journal_, *spool_, *pool_, storage::system_files(), *ids_,
                                       *session_ids_, *policy_, *ledger_, limits_, counts_, &*scanners_,
                                       nullptr, logins_.get(), guess_key_});
    accepting_.emplace(*journal_);
    check_disk();
    for (auto& each : workers_) each->start(*services_, *accepting_, dns_settings_);
    runner_->start();
    examine_dns(now);
    const auto fault = [this](std::string_view what) {
        journal_->fault("control socket: " + std::string(what));
    };
    spawn(main_.get_executor(), serve_control(std::move(control_), *this), fault);
    spawn(main_.get_executor(), serve_handover(std::move(handover_), *this),
          [this](std::string_view what) { journal_->fault("handover socket: " + std::string(what)); });
    boost::system::error_code ignored;
    // Once and for good: between a removal and a new wait a signal would have its default effect and kill the
    // server.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number, ignored);
    let_hangup_come();
    await_signals();
    upkeep();
}

void app::say_listening() {
    for (const auto& on : listeners_) {
        const std::string address = on->address.to_string();
        journal_->write({.event = log_event::listening, .listener = on->settings->name, .address = address});
    }
    if (http_) {
        const std::string address = http_->address().to_string();
        journal_->write({.event = log_event::listening, .listener = "http", .address = address});
    }
    if (public_http_) {
        const std::string address = public_http_->address().to_string();
        journal_->write({.event = log_event::listening, .listener = "identity", .address = address});
    }
    journal_->flush();
}

// What escapes to here is a lack of memory; what comes by itself again was set before.
void app::run() {
    for (;;) {
        try {
            main_.run();
            return;
        } catch (const std::exception&) {
            journal_->fault("something was broken off by an exception in the main loop");
        }
    }
}

void app::await_signals() {
    signals_.async_wait(in_room(signals_room_, [this](boost::system::error_code ec, int number) {
        if (ec) return;
        await_signals();
        if (number == SIGHUP)
            reload();
        else
            begin_drain("no new connections; running transactions may finish");
    }));
}

void app::stop_services() {
    if (primaries_) primaries_->stop();
    for (auto& each : workers_) each->halt();
    for (auto& each : workers_) each->join();
    if (runner_) runner_->stop();
    if (scanners_) scanners_->stop();
    if (room_pool_) room_pool_->stop();
    if (pool_) pool_->stop();
    if (desk_) desk_->close();
    if (sending_notices_) sending_notices_->close();
    if (spool_) spool_->stop();
    if (!journal_) return;
    journal_->write({.event = log_event::stopped});
    journal_->flush();
}

} // namespace postern::server

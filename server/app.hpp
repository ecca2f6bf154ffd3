// The whole server as one object: made of a configuration, started, reloaded, drained, stopped. Owns every
// part and passes them in; lives on the main thread.
#pragma once

#include "conf/load.hpp"
#include "policy/rule_book.hpp"
#include "server/admin/autoconfig_page.hpp"
#include "server/admin/commands.hpp"
#include "server/admin/control.hpp"
#include "server/admin/control_socket.hpp"
#include "server/admin/web_site.hpp"
#include "server/call_outs.hpp"
#include "server/descriptors.hpp"
#include "server/handover_client.hpp"
#include "server/handover_server.hpp"
#include "server/identity/foreign_keeper.hpp"
#include "server/identity/page.hpp"
#include "server/last_resort.hpp"
#include "server/maildir_room.hpp"
#include "server/queue_runner.hpp"
#include "server/queue_steering.hpp"
#include "server/reserved_room.hpp"
#include "server/resolver.hpp"
#include "server/resolver_check.hpp"
#include "server/scanner_pool.hpp"
#include "server/sending/sending_notices.hpp"
#include "server/serve.hpp"
#include "server/service_manager.hpp"
#include "server/side_tasks.hpp"
#include "server/table_keeper.hpp"
#include "server/watchdog.hpp"
#include "server/worker.hpp"
#include "server/zone_watch.hpp"
#include "storage/recovery.hpp"
#include "storage/state_lock.hpp"
#include "storage/tables/ledger.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

namespace postern::server {

// Why the server can't start, and the exit code that says so.
struct start_problem {
    exit_code code = exit_code::software;
    std::string text; // "" = none
};

class app final : public control_target, public web_target, public handover_target {
  public:
    // `console` outlives start(): what an operator who waits in front of it wants to know.
    app(std::string config_file, std::shared_ptr<const conf::config> config, start_way how,
        std::ostream& console);
    ~app() override;

    start_problem start(); // logs its trouble too, as soon as there is a log
    void run();            // until a signal ends it

    server_status status() override;
    observed observe() override;
    std::vector<storage::queued_message> oldest() override;
    reload_outcome reload() override;
    void wake_queue() override;
    std::vector<destination_status> destinations() override;
    result<std::size_t> unblock(const std::optional<protocol::cidr>& network) override;
    boost::asio::awaitable<std::vector<storage::wish_outcome>>
    steer_queue(storage::queue_wish wish, std::vector<storage::queue_id> ids) override;
    desk_answer ask_owner(std::string_view account, std::string_view address) override;
    std::vector<int> listening_descriptors() override;
    std::chrono::seconds let_go() override;
    bool accepts() const override;

  private:
    // app.cpp: start and end
    start_problem take_state_folder();
    start_problem open_journal();
    start_problem open_all();
    start_problem open_storage();
    boost::system::error_code open_tables(const conf::config& config);
    boost::system::error_code open_greylist(const conf::config& config);
    void keep_tables();
    start_problem begin_scanners();
    scanning::domain_tiers tiers_of_domains() const;
    start_problem open_control_socket();
    void start_services();
    void say_listening();
    void await_signals();
    void stop_services();

    // app_sockets.cpp: listening sockets, ours, handed over, and given away
    start_problem receive_sockets();
    start_problem foresee() const;
    start_problem bind_listeners();
    start_problem bind(const conf::listener_settings& row, const conf::endpoint& address);
    start_problem agree_to_take_over();
    start_problem listen_on_all();
    void forget_unused_sockets();
    void give_sockets_to_manager();

    // app_ending.cpp: drain, and what the service manager hears of it all
    void begin_drain(std::string_view why);
    void poll_drain();
    bool has_sessions() const;
    std::chrono::seconds ending_time() const;
    void add_alarms_of_storing(server_status& made) const;
    void tell_manager_status();
    void watch_life();

    // app_snapshot.cpp: from a configuration to what sessions use
    struct loading {
        std::shared_ptr<const snapshot> made; // null: nothing can be made of it
        std::vector<std::string> problems;
        std::vector<std::string> remarks; // for the operator at start and reload
        std::string certificate_stamp;    // of the files, from before they were read
    };
    enum class bad_pair { is_an_error, keeps_the_old_one };
    loading make_snapshot(std::shared_ptr<const conf::config> config, bad_pair how);
    std::shared_ptr<const conf::config> fit_sessions(std::shared_ptr<const conf::config> config,
                                                     loading& told) const;
    void use(loading next); // one that was made
    start_problem make_certificates();
    std::string certificate_stamp(const conf::tls_settings& settings) const;
    void watch_certificates();
    // The certificate that the server made itself, where there is no other.
    conf::tls_settings with_own(conf::tls_settings settings) const;

    // app_keys.cpp: the keys that are shown, and those that are published
    bool waits_for_keys(const std::string& stamp);
    void look_at_keys(const std::string& stamp);
    void judge_keys(const std::string& stamp);
    boost::asio::awaitable<void> learn_of_keys(std::string stamp);

    // app_upkeep.cpp: reload, what happens by time, what can be seen
    reload_outcome reload_now();
    void refuse_reload(const std::vector<std::string>& why);
    void change_scanners(const scanning::domain_tiers& of_domains);
    void upkeep();
    void check_disk();

    // app_dns.cpp: the resolvers of all threads
    void begin_dns();
    bool follow_dns_settings(std::chrono::steady_clock::time_point now);
    void reload_dns();
    void watch_dns(std::chrono::steady_clock::time_point now);
    void examine_dns(std::chrono::steady_clock::time_point now);
    std::string dane_off() const; // why mail isn't secured by DANE though it was to be; "" = it is
    void tell_of_dane();
    void describe_dns(server_status& to) const;
    boost::asio::awaitable<void> learn_standing_of_dns(resolver_settings of, std::uint64_t number);
    std::size_t dns_sockets(const conf::dns_settings& settings) const;

    // app_submission.cpp: what people who send mail need
    start_problem open_logins();
    start_problem open_srs_secrets();
    boost::system::error_code open_rates(const conf::config& config);
    void begin_sending();
    server_status status_of_senders() const; // only that part of it is filled
    std::vector<kept_table> tables_of_sending();
    // Of a mail of the server's own; false: it can't be taken now.
    std::function<bool(storage::insert_message)> way_into_queue(std::string_view about);

    // app_observe.cpp: what can be seen by HTTP
    start_problem bind_http();
    start_problem bind_http(const std::string& where, const char* key, std::unique_ptr<http_listener>& to);
    void serve_http();

    std::optional<last_resort> last_resort_;  // first: it watches over the end of all the rest
    std::optional<storage::state_lock> lock_; // second: whoever waits for it finds all the rest gone
    const std::string config_file_;
    const start_way how_;
    std::ostream& console_;
    service_manager manager_;
    std::unique_ptr<log> journal_; // null until the rights of root are gone
    live_snapshot config_;
    reserved_room signals_room_, upkeep_room_, drain_room_, life_room_; // what returns begins without memory
    boost::asio::io_context main_{1};
    boost::asio::signal_set signals_{main_};
    boost::asio::steady_timer upkeep_timer_{main_};
    boost::asio::steady_timer drain_timer_{main_};
    boost::asio::steady_timer life_timer_{main_};
    bool draining_ = false;
    bool halted_ = false;
    std::chrono::steady_clock::time_point drain_until_, deliver_until_;
    std::optional<watchdog> life_;
    std::string silent_; // whose sign of life is missing, as it was told; "" = all are well
    std::string told_manager_;

    std::map<std::string, std::shared_ptr<tls::ticket_keys>> tickets_; // by listener
    std::optional<conf::certificate_settings> own_certificate_;
    std::string certificate_stamp_; // of the files in use; what is not taken yet doesn't count
    std::string complained_of_;     // what was last told of files that can't be used; "" = all are in use
    bool judges_keys_ = false;
    std::string keys_judged_;  // the stamp of the files whose keys were looked at last
    std::string keys_trouble_; // what is wrong with those; "" = nothing
    std::chrono::steady_clock::time_point keys_looked_;
    std::chrono::steady_clock::time_point tickets_rotated_, certificates_checked_, readers_cleared_;

    std::unique_ptr<storage::queue> queue_;
    std::unique_ptr<storage::directory> accounts_;
    std::unique_ptr<storage::rules> rules_;
    std::optional<policy::rule_book> rule_book_;
    std::unique_ptr<storage::greylist> greylist_; // null: no listener needs it
    std::unique_ptr<storage::ledger> ledger_;
    std::unique_ptr<storage::tokens> taught_;
    std::unique_ptr<storage::identities> identities_;
    std::optional<policy::sender_rewriter> srs_;
    std::string guess_key_;
    std::unique_ptr<login_source> logins_;
    std::optional<identity_desk> desk_;
    std::optional<foreign_keeper> foreign_;
    std::unique_ptr<storage::rates> rates_;
    std::unique_ptr<running_clock> rate_clock_;
    std::optional<sending_notices> sending_notices_;
    std::optional<policy::sending_desk> sending_;
    std::optional<table_keeper> table_keeper_;
    side_tasks beside_{main_.get_executor()};
    zone_watch zones_;
    std::set<storage::queue_id> damaged_; // from recovery to the runner
    std::optional<storage::queue_id_source> ids_, session_ids_;
    descriptor_needs descriptors_;
    std::optional<accept_watch> accepting_;
    session_limits limits_;
    counters counts_;
    notice_limit notice_limit_;
    destination_counts destination_counts_;
    std::optional<scanner_pool> scanners_;
    std::optional<offload_pool> pool_;
    std::optional<offload_pool> room_pool_;
    std::optional<maildir_room> room_;
    resolver_settings dns_settings_;
    std::optional<dns_resolver> dns_;            // the main thread's; workers have their own
    std::vector<server_standing> dns_standings_; // of its servers; empty = not known yet
    std::uint64_t dns_examination_ = 0;          // the number of the last
    bool examines_dns_ = false;
    std::string dns_told_; // what was last said of them in the log
    std::string dane_told_;
    std::chrono::steady_clock::time_point dns_looked_, dns_examined_;
    std::optional<call_outs> primaries_;
    std::optional<policy::services> policy_;
    std::optional<async_spool> spool_;
    std::optional<session_services> services_;
    under_way attempts_;
    std::optional<queue_runner> runner_;
    std::atomic<bool> runner_is_there_{false};
    std::optional<queue_steering> steering_;
    web_site site_{*this};
    std::optional<identity_page> identity_page_;
    std::optional<autoconfig_page> autoconfig_page_;
    http_pages_of public_pages_, all_pages_;      // for everybody, and with those for the operator
    std::unique_ptr<control_listener> control_;   // until it is served
    std::unique_ptr<handover_listener> handover_; // until it is served
    std::unique_ptr<http_listener> http_;         // until it is served; null when it is off
    std::unique_ptr<http_listener> public_http_;  // likewise
    handover_client predecessor_;
    bool takes_over_ = false;
    std::chrono::seconds predecessor_ends_within_{};
    std::vector<listening_socket> handed_over_; // and not yet anybody's
    std::vector<std::string> remarks_;          // from before there is a log
    std::vector<std::shared_ptr<bound_listener>> listeners_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::int64_t started_ = 0, reloaded_ = 0;
};

} // namespace postern::server

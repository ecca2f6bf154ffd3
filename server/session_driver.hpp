// One connection: does what the pure session asks for, in order, on one thread, and tells the log. It knows
// no SMTP: verbs, replies and limits are the session's. It doesn't grow when a verb is added.
#pragma once

#include "policy/check.hpp"
#include "policy/submission/guessing.hpp"
#include "policy/verdict.hpp"
#include "protocol/net/proxy_header.hpp"
#include "protocol/smtp/server_session.hpp"
#include "server/async_spool.hpp"
#include "server/counters.hpp"
#include "server/incoming_body.hpp"
#include "server/log.hpp"
#include "server/login_source.hpp"
#include "server/roster.hpp"
#include "server/scanner_pool.hpp"
#include "server/session_limits.hpp"
#include "server/snapshot.hpp"
#include "server/spam_engine.hpp"
#include "server/stream.hpp"
#include "storage/tables/ledger.hpp"

namespace postern::server {

// What sessions share; outlives them all.
struct session_services {
    live_snapshot& config;
    log& journal;
    async_spool& spool;
    offload_pool& pool;
    storage::file_env& files;
    storage::queue_id_source& ids;
    storage::queue_id_source& session_ids;
    policy::services& policy;
    storage::ledger& refusals;
    session_limits& limits;
    counters& counts;
    scanner_pool* scanners = nullptr; // null: nobody looks into messages
    spam_engine* engine = nullptr;    // of the session's thread; null: there is none
    login_source* logins = nullptr;   // null: nobody may authenticate, whatever a listener says
    std::string guess_key = {};       // of this installation: wrong passwords are remembered under it
};

struct session_origin {
    std::shared_ptr<const snapshot> config;
    std::shared_ptr<const conf::listener_settings>
        listener; // of that snapshot, or of the start when a reload took it away
    protocol::ip_address client;
    std::uint16_t client_port = 0;
};

class session_driver final : public roster::member, private stream::taker, private policy::message_scanner {
  public:
    session_driver(session_services& services, roster& sessions, std::unique_ptr<stream> peer,
                   session_origin origin);
    ~session_driver() override;

    boost::asio::awaitable<void> run();

    void on_sweep(steady_time now) override;
    void on_drain() override;
    void on_halt() override;

  private:
    // Why a wait was ended from outside.
    enum class ended_by : std::uint8_t { nothing, idle, slow, too_long, drain, halt };

    // session_driver.cpp
    boost::asio::awaitable<bool> begin();
    boost::asio::awaitable<bool> read_proxy_header();
    boost::asio::awaitable<bool> start_tls_layer();
    bool take_place();
    boost::asio::awaitable<void> carry_out(protocol::step what);
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> write();
    boost::asio::awaitable<void> pause();
    boost::asio::awaitable<bool> waited_in_vain(std::chrono::milliseconds time);
    bool said_farewell(stream_status status);
    boost::asio::awaitable<void> ask();
    policy::audience audience() const;
    boost::asio::awaitable<policy::verdict> judge(policy::stage at, policy::transaction& learned);
    void on_input(std::string_view octets) override;
    void end_wait(ended_by why);
    bool end_if_too_long(steady_time now);
    protocol::reply farewell() const;
    void finish();

    // session_auth.cpp
    // What is known of one AUTH, from its first question to its end.
    struct login_attempt {
        std::string login;   // as written; copied, for the session may end while somebody is asked
        std::string account; // whom the login names, once somebody said so
        std::string mechanism;
        std::string fingerprint; // the same for the same password, and tells nothing of it; "" = not known
        policy::guess_attempt counted;
        std::chrono::milliseconds wait{0}; // before the answer, whatever it is
    };
    boost::asio::awaitable<void> ask_auth();
    boost::asio::awaitable<std::optional<protocol::auth_answer>> held_back();
    protocol::reply blocked_until(policy::rate_seconds until) const;
    boost::asio::awaitable<protocol::auth_answer> check_password(protocol::sasl::secret password);
    boost::asio::awaitable<protocol::auth_answer> find_keys();
    result<void> note_outcome(const login_attempt& of, policy::guess_brake::outcome what);
    protocol::auth_answer end_good_login();
    protocol::auth_answer end_wrong_login();
    void note_put_off(std::string_view why);
    void log_failed_login(std::string_view why);

    // session_message.cpp: where a message becomes ours
    void open_message();
    boost::asio::awaitable<void> store();
    boost::asio::awaitable<void> commit();
    bool may_write_body() const;
    boost::asio::awaitable<boost::system::error_code> finish_body(std::string rest,
                                                                  storage::insert_message& into);
    void add_missing_fields();
    storage::queued_message envelope_for_queue() const;
    protocol::verdict_answer answer_for(const boost::system::error_code& trouble) const;
    bool refuses_new_mail(protocol::reply& with) const;

    // session_scan.cpp
    boost::asio::awaitable<policy::scan_outcome> scan(protocol::scan::order asked) override;
    boost::asio::awaitable<policy::engine_opinion> ask_engine(std::string host_name) override;
    rspamd_question question_for_engine() const;
    struct scan_subject {
        storage::file_handle message;
        std::uint64_t octets = 0;
        std::string trouble;
    };
    boost::asio::awaitable<scan_subject> message_to_scan();

    // session_log.cpp
    void log_refusal(const protocol::refusal& what);
    void count_test(const policy::judgement& one);
    void note_tests(const policy::trace& told);
    void note_cause();
    struct refusal_reason {
        std::string_view check, cause; // "" = none; valid while the refusal is observed
    };
    refusal_reason reason_of(const protocol::refusal& what) const;
    std::vector<protocol::address> asked_about(const policy::judgement& by) const;
    void keep_refusal(const protocol::refusal& what);
    void keep_in_ledger(const std::optional<protocol::address>& recipient, const protocol::reply& with,
                        storage::ledger_mode mode, std::string_view test, std::string_view cause);
    void log_event_now(log_event event, std::string_view text = {});
    std::function<void()> to_be_said_when_durable(std::uint64_t size, std::size_t recipients) const;
    log_record record(log_event event) const;

    void set_deadline(std::chrono::seconds from_now) {
        deadline_ = std::chrono::steady_clock::now() + from_now;
    }
    void begin_rate() { rate_since_ = std::chrono::steady_clock::now(); }
    void end_rate();
    void forget_rate();
    void clear_deadline() { deadline_.reset(); }

    session_services& services_;
    roster& roster_;
    std::unique_ptr<stream> stream_;
    std::shared_ptr<const snapshot> config_;
    std::shared_ptr<const conf::listener_settings> listener_;
    protocol::ip_address client_;
    std::uint16_t client_port_;
    std::string client_text_;
    std::string id_;
    std::optional<session_limits::ticket> place_;
    std::optional<protocol::server_session> session_;

    std::optional<steady_time> deadline_;
    std::optional<steady_time> command_by_; // when the command that is being read must have come whole
    steady_time began_;
    ended_by ended_by_ = ended_by::nothing;
    bool in_session_ = false; // reading from the peer: a drain may end it
    bool lost_ = false;       // the connection broke: no farewell
    std::optional<session_limits::denial> crowded_;
    resumer give_up_; // set while a disk is waited for

    // Minimum rate of content, averaged over a minute.
    // Only while we read: what we take for a disk or a verdict is not the peer's fault.
    std::optional<steady_time> rate_since_; // when this read of content began
    steady_time::duration rate_spent_{};    // in the reads before it
    std::uint64_t rate_octets_ = 0;

    steady_time content_ended_; // of the message that is being taken
    policy::about_client peer_;
    std::unique_ptr<policy::transaction> learned_; // from MAIL on: a session that waits holds none
    const policy::verdict* refused_by_ = nullptr;  // behind the reply that is being said; null: no check is
    std::unique_ptr<login_attempt> attempt_;       // while AUTH is under way
    std::string auth_method_;                      // of who authenticated
    std::unique_ptr<incoming_body> body_;          // from the beginning of the content to its end
    storage::queue_id message_id_;
    std::int64_t message_time_ = 0; // unix microseconds
};

} // namespace postern::server

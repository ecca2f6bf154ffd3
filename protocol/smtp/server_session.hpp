// One SMTP session as a pure object: fed with what the peer sent and with answers from outside, it says what
// to do next. It knows no socket, clock or thread; every state can be listed, replayed from a transcript,
// failed at every step and fed an octet at a time. Single-threaded. A message can be acknowledged in one
// place only: on_commit().
#pragma once

#include "protocol/mail/field_filter.hpp"
#include "protocol/mail/header_scan.hpp"
#include "protocol/mail/trace_header.hpp"
#include "protocol/sasl/exchange.hpp"
#include "protocol/smtp/data_decoder.hpp"
#include "protocol/smtp/envelope.hpp"
#include "protocol/smtp/extension.hpp"
#include "protocol/smtp/line_reader.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <functional>
#include <memory>

namespace postern::protocol {

// The limits that one session obeys, copied from the configuration at its start.
struct session_settings {
    std::string hostname;
    std::uint64_t max_message_size = 0; // octets
    std::size_t max_recipients = 0;     // accepted ones, per message
    unsigned max_errors = 0;            // 5yz replies, then 421
    unsigned soft_errors = 0;           // from here each 5yz costs a pause
    unsigned max_junk = 0;              // commands without a message, then 421
    unsigned max_received = 0;
    std::uint64_t max_header_size = 0;
    std::uint64_t max_text_line = 0; // 0 = any
    std::size_t body_block = 0;      // a body above this leaves by `store` while it comes in
    bool offer_tls = false;
    bool takes_mail = true; // false: a tempfail MX, which answers everything but QUIT with 4yz
    // Host names in lower case: Authentication-Results that name one of them, or `hostname`, and came with a
    // message are forged. Null: `hostname` alone.
    field_filter::owners results_of;
    // Of the place of delivery. What it can't take is not offered and refused at MAIL: accepted, it could
    // only be returned.
    bool takes_utf8 = true;
    bool takes_binary = true;
    // Recipients may be answered one by one after the data (draft-hall-prdr-00).
    bool offer_prdr = false;
    // X-Spam-Flag and X-Spam-Status that come with a message are left out: whoever reads it would take them
    // for ours.
    bool drop_spam_marks = false;
    // AUTH is offered, under TLS (RFC 4954); `keys`: to SCRAM too.
    bool offer_auth = false;
    bool auth_keys = false;
    // RFC 6409: without TLS and AUTH nothing is taken, and Bcc fields go.
    bool is_submission = false;
    bool hide_client = false; // of who authenticated, in Received
};

inline constexpr std::size_t command_line_max =
    2048; // octets with CRLF; RFC 5321 §4.5.3.1.4 asks for 512 and more with extensions
inline constexpr std::size_t session_output_max = 8 * 1024; // replies waiting before more input is looked at
inline constexpr std::size_t chunks_max = 100000;           // BDAT commands a message

// What the driver is to do; it then reports with the method named beside it.
enum class step {
    read,         // on_input(), on_end(), on_timeout()
    write,        // output(); on_written()
    ask,          // question(); on_verdict(), or on_auth() where that is about AUTH
    pause,        // wait a little for a peer that errs too often; on_paused()
    start_tls,    // on_tls()
    open_message, // an id and the time; on_message_opened()
    store,        // take_body() goes to disk; on_stored()
    commit,       // take_body() is the rest, envelope(); on_commit()
    abandon,      // what was stored of the message is thrown away; on_abandoned()
    close,        // the end; nothing more may be asked of the session
};

// Which deadline the driver sets for a read.
enum class waiting_for { command, content };

enum class question_stage : std::uint8_t { connect, helo, auth, mail, rcpt, content };

// What is asked while AUTH is under way, in turn.
struct auth_question {
    enum class kind : std::uint8_t {
        password, // is `password` that of `login`? right or wrong
        keys,     // the SCRAM keys of `login`, of somebody who isn't there too: `keys`
        proved,   // `login` has authenticated: whose account is it? `right`
        denied,   // it has not: what the guess costs; `wrong`
    } what = kind::password;
    std::string_view login; // 1 to sasl::login_max octets, as written; of `denied` it may be ""
    const sasl::secret* password = nullptr; // lent until the answer
    sasl::mechanism how = sasl::mechanism::plain;
};

struct auth_answer {
    enum class kind : std::uint8_t { right, wrong, keys, refuse } what = kind::wrong;
    std::string account = {}; // of right about `proved`: the mailbox, folded; never empty
    sasl::scram_keys keys = {};
    reply with = {}; // of refuse: AUTH ends with it
};

// The answer to `ask`. Anything but accept carries the reply for the peer.
struct verdict_answer {
    enum class kind { accept, refuse };
    kind what = kind::accept;
    reply with;
    // Of an accepted content, where answers_each(): for each recipient of the transaction, in their order,
    // the reply that refuses it, or none; at least one has one. Empty: all are accepted.
    std::vector<std::optional<reply>> of_recipients = {};
};

// What a refusal keeps out.
enum class refused_thing : std::uint8_t {
    command,   // nothing that could be read, or the whole session
    sender,    // a MAIL that could be read: the transaction has its sender
    recipient, // a RCPT, or one recipient of a message after its data
    message,   // of all recipients of the transaction
};

// For the log: a refusal as the peer saw it.
struct refusal {
    std::string_view stage; // "CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE"; or the verb
    const reply& with;
    std::string_view recipient; // of a refused recipient, "" elsewhere
    std::string_view cause;     // in Postfix's words where it has some: "too many errors"; else ""
    refused_thing about = refused_thing::command;
    std::optional<std::size_t> place = {}; // in the envelope, of a recipient refused after the data
};

class server_session {
  public:
    // `tls_facts` as in on_tls() for a connection that is TLS from its first octet; empty = plain.
    // `binding`: what TLS calls the connection.
    server_session(session_settings settings, ip_address client, std::string_view tls_facts,
                   sasl::channel_binding binding = {});

    step next();
    // The output ends with the session's last words: after it comes close.
    bool closes_after_output() const { return close_after_write_; }

    // Answers.
    void on_input(std::string_view octets); // lent for the call
    void on_written();
    void on_verdict(verdict_answer answer);
    void on_paused();
    void on_auth(auth_answer answer);
    void on_tls(bool done, std::string_view facts, // "TLSv1.3 with cipher X", for Received
                sasl::channel_binding binding = {});
    // `fields`: whole header fields to stand above Received.
    void on_message_opened(std::string id, std::int64_t unix_seconds, std::string fields = {});
    // Refuse: the disk failed; the rest is thrown away and the end of the data answers with its reply.
    // `recycled`: the buffer that take_body() gave, to be used again.
    void on_stored(verdict_answer kept, std::string recycled);
    void on_commit(verdict_answer kept); // accept = durable; else the reply says why not
    void on_abandoned();

    // Events that may come while reading (or at any time before the next step).
    void on_early_input();           // in place of the connect verdict: the peer spoke before the greeting
    void on_end();                   // the peer's side of the connection ended
    void close_with(reply farewell); // time-outs, shutdown, limits: says it and closes

    // Facts.
    std::string_view output() const { return output_; }
    question_stage question() const { return question_; }
    waiting_for reading() const {
        return phase_ == phase::command ? waiting_for::command : waiting_for::content;
    }
    const auth_question& about_auth() const; // while question() is auth
    bool is_authenticating() const { return auth_ != nullptr; }
    // The mailbox, folded, that the client has authenticated as; "" = nobody.
    const std::string& account() const { return account_; }
    const envelope& transaction() const { return now().envelope; }
    // The RCPT that is asked about; while its refusal after the data is observed, that recipient.
    const recipient& candidate() const { return now().candidate; }
    // May the answer about the content be one of each recipient's own?
    bool answers_each() const;
    // It was refused after the data, by its place in the envelope: what is committed isn't for it.
    bool is_refused(std::size_t recipient) const;
    std::string take_body();
    std::string_view body() const { return now().body; } // what take_body() would give
    // The octets of ours that stand before those of the peer's in the stored message.
    std::size_t fields_before() const { return now().fields_before; }
    const header_scan& header() const { return now().header; }
    const content_facts& content() const;
    std::uint64_t content_size() const { return content().size; } // octets the peer sent as this message
    // What the message that came whole needs of the next server: not always what MAIL said.
    body_type body_needed() const;
    bool smtputf8_needed() const;
    std::string_view helo() const { return helo_.name; }
    std::string_view protocol_name() const;                       // for `with`
    std::string_view message_id_text() const { return now().id; } // the id given by on_message_opened()
    std::string_view last_stage() const { return stage_; } // of the verb or phase under way, for the log
    bool under_tls() const { return tls_; }
    unsigned commands() const { return commands_; }
    unsigned messages() const { return messages_; }
    unsigned errors() const { return errors_; }
    // Called for each refusal, as it is queued.
    void observe_refusals(std::function<void(const refusal&)> observer) { observer_ = std::move(observer); }

    // The states of the table, public so that a test can list them.
    enum class state : std::uint8_t {
        fresh,    // no greeting by the peer yet
        ready,    // EHLO or HELO done, no transaction
        mail,     // MAIL accepted, no recipient yet
        rcpt,     // at least one recipient
        chunking, // BDAT begun
        refused,  // greeted with 554: only QUIT (RFC 5321 §3.1)
    };
    static constexpr std::size_t state_count = 6;
    state current() const { return state_; }

  private:
    enum class phase : std::uint8_t { greeting, command, auth, data, chunk, closing };
    using handler = void (server_session::*)(const command&);
    static handler handler_for(verb what, state in);

    // server_session.cpp: input, output and the order of things
    std::size_t consume(std::string_view input);
    std::size_t consume_command(std::string_view input);
    void forget_input();
    void dispatch(const command& what);
    void want(step what) { wanted_ = what; }
    void say(reply_id what, std::initializer_list<std::string_view> values = {});
    void say(const reply& what);
    void refuse(const reply& what, refused_thing about, std::string_view for_recipient = {},
                std::string_view cause = {});
    void refuse(reply_id what, std::initializer_list<std::string_view> values = {});
    void count_error();
    void count_junk();
    void reset_transaction();

    // server_session_verbs.cpp: a row's action
    void do_helo(const command& what);
    void do_ehlo(const command& what);
    void do_mail(const command& what);
    void do_rcpt(const command& what);
    void do_data(const command& what);
    void do_bdat(const command& what);
    void do_rset(const command& what);
    void do_noop(const command& what);
    void do_vrfy(const command& what);
    void do_help(const command& what);
    void do_quit(const command& what);
    void do_starttls(const command& what);
    void do_auth(const command& what);
    void say_auth_in_transaction(const command& what);
    void say_not_implemented(const command& what);
    void say_foreign(const command& what);
    void say_unknown(const command& what);
    void say_need_helo(const command& what);
    void say_need_mail(const command& what);
    void say_need_recipient(const command& what);
    void say_nested_mail(const command& what);
    void say_between_chunks(const command& what);
    void say_tls_in_transaction(const command& what);
    void say_refused_session(const command& what);
    void greet(const command& what, greeting_kind kind);
    void say_ehlo();
    bool read_mail(const command& what);
    bool read_rcpt(const command& what);
    bool no_argument(const command& what);
    void decided_connect(verdict_answer& answer);
    void decided_helo(verdict_answer& answer);
    void decided_mail(verdict_answer& answer);
    void decided_rcpt(verdict_answer& answer);
    void decided_content(verdict_answer& answer);

    // server_session_auth.cpp: AUTH
    std::optional<reply_id> reason_against_auth() const;
    bool offers_auth() const { return settings_.offer_auth && tls_; }
    sasl::offer mechanisms_now() const;
    std::size_t consume_auth(std::string_view input);
    void take_step(sasl::step next);
    void ask_about(auth_question::kind what);
    void end_auth();
    void auth_failed(sasl::failure why);
    std::size_t line_max_now() const;
    void reset_line_limit();
    bool lacks_proof() const { return settings_.is_submission && account_.empty(); }

    // server_session_answers.cpp: recipients that are answered one by one
    void decided_for_each(std::vector<std::optional<reply>> answers);
    void begin_answers(reply last);
    void say_answers();
    void answer_each(const verdict_answer& kept);
    bool is_answering() const { return now().last_answer.has_value(); }

    // server_session_content.cpp: DATA and BDAT
    std::size_t consume_data(std::string_view input);
    std::size_t consume_chunk(std::string_view input);
    void end_of_chunk();
    void end_of_message();
    void begin_chunk();
    void looked_at(std::string_view fresh);
    void without_forged_fields(std::size_t from);
    field_filter::owners names_of_ours() const;
    bool over_limits() const;
    std::optional<reply> content_fault() const;

    session_settings settings_;
    ip_address client_;
    std::function<void(const refusal&)> observer_;

    state state_ = state::fresh;
    phase phase_ = phase::greeting;
    step wanted_ = step::ask;
    question_stage question_ = question_stage::connect;
    bool tls_ = false;
    bool more_input_behind_ = false; // octets lie behind the command being handled
    bool close_after_write_ = false;
    bool message_open_ =
        false;             // on_message_opened() was answered and the body is neither committed nor abandoned
    bool abandon_ = false; // tell the driver before anything else
    bool pause_ = false;

    line_reader lines_{command_line_max};
    std::string input_;          // received while an answer was awaited; at most one read
    std::size_t input_used_ = 0; // octets at its front that were handled already
    std::string output_;         // at most session_output_max and one reply
    std::string tls_facts_;
    std::unique_ptr<const sasl::channel_binding> binding_; // null: the connection has none
    std::string account_;
    struct auth_state {
        sasl::exchange exchange;
        sasl::secret password;
        std::string login;
        auth_question question;
    };
    std::unique_ptr<auth_state> auth_; // while AUTH is under way

    helo_name helo_;
    greeting_kind greeting_ = greeting_kind::none;
    std::string_view stage_ = "CONNECT";

    // One transaction: made when the first thing of it is known, destroyed whole. An idle session has none.
    struct transaction_state {
        protocol::envelope envelope;
        recipient candidate;
        std::string id;
        std::string body;
        data_decoder decoder;
        chunk_decoder chunks;
        header_scan header;
        std::size_t fields_before = 0;
        std::optional<field_filters> forged;       // of what claims to be our finding; while content comes in
        std::vector<std::optional<reply>> answers; // verdict_answer::of_recipients
        std::size_t answered = 0;                  // of the recipients, when they are answered one by one
        std::optional<reply> last_answer;          // what is said behind those; set: they are being said
        bool by_chunks = false;
        bool fault = false; // the content is refused already: nothing more is kept
        std::optional<reply> store_fault;
        std::size_t chunk_count = 0;
    };
    std::unique_ptr<transaction_state> now_;
    transaction_state& now();
    const transaction_state& now() const; // an empty one when there is none

    std::uint64_t chunk_left_ = 0;
    std::uint64_t chunk_size_ = 0;
    bool chunk_last_ = false;
    bool chunk_refused_ = false; // its octets are swallowed, then 503

    unsigned errors_ = 0;
    unsigned junk_ = 0;
    unsigned commands_ = 0;
    unsigned messages_ = 0;
};

} // namespace postern::protocol

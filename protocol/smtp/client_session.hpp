// One conversation with a server, SMTP or LMTP (RFC 5321, RFC 2033), as a pure object: fed with what the
// server said, it says what to do next, and in the end what became of each recipient. It knows no socket,
// clock or thread. A recipient counts as delivered in one place only: the reply to the content. A message
// whose recipients are too many for the server goes in as many transactions as it takes.
#pragma once

#include "protocol/sasl/secret.hpp"
#include "protocol/smtp/envelope.hpp"
#include "protocol/smtp/reply_reader.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <span>

namespace postern::protocol {

enum class client_protocol : std::uint8_t { smtp, lmtp };
enum class client_tls : std::uint8_t {
    never,        // also where the connection is TLS already
    when_offered, // STARTTLS where the server has it
    required,     // or no mail is sent
};

enum class client_chunks : std::uint8_t {
    when_offered, // BDAT (RFC 3030) for SMTP
    when_needed,  // for binary content alone
};

// Where a server wants to know who sends (RFC 4954): PLAIN, or LOGIN. Never logged.
struct client_login {
    std::string user;
    sasl::secret password;
    bool operator==(const client_login& other) const {
        return user == other.user && password.view() == other.password.view();
    }
};

struct client_settings {
    client_protocol protocol = client_protocol::smtp;
    std::string hostname; // ours, for EHLO or LHLO
    client_tls tls = client_tls::never;
    std::vector<std::string> own_names{}; // whoever greets with one of them is ourselves: a mail loop
    client_chunks chunks = client_chunks::when_offered;
    std::shared_ptr<const client_login> login{}; // sent under TLS only; no mail goes before it was taken
};

struct outgoing_recipient {
    std::string address; // "local@domain"
    std::uint8_t notify = dsn_notify::unset;
    std::string original{}; // ORCPT, "type;address" decoded; "" = none
};

enum class message_purpose : std::uint8_t {
    delivery,
    question, // would the recipients be taken? Ends behind RCPT; nothing is sent
};

struct outgoing_message {
    std::string sender; // "" = "<>"
    std::vector<outgoing_recipient> recipients;
    std::uint64_t size = 0; // octets of the content
    body_type body = body_type::seven_bit;
    bool needs_smtputf8 = false; // by its addresses, or because its header can't go without (RFC 6531 §3.5)
    dsn_return ret = dsn_return::unset;
    std::string envelope_id;
    message_purpose purpose = message_purpose::delivery;
};

enum class client_step {
    read,         // on_input(), on_lost()
    write,        // output(); on_written()
    start_tls,    // on_tls(); nothing that was read before counts
    send_content, // the message, dot-stuffed, and the final dot; on_content_sent(). Again for each
                  // transaction
    send_chunk,   // output() first, then the message as it is (BDAT), message.size octets; on_content_sent()
    idle,         // all recipients have an outcome: begin() the next message, or quit()
    close,        // the end; fault() may say why
};

// What the server has to answer: each has its time (RFC 5321 §4.5.3.2).
enum class client_wait : std::uint8_t {
    greeting,
    hello,
    starttls,
    auth,
    mail,
    rcpt,
    data,
    final_reply,
    rset,
    quit
};

struct recipient_outcome {
    enum class kind : std::uint8_t {
        pending,
        delivered,
        deferred,
        failed,
        taken,   // of a question: by RCPT
        unasked, // this connection takes no more transactions: to be named over another, at once
    };
    kind what = kind::pending;
    bool perhaps_delivered =
        false;                 // the content was sent and no answer came: a second try may be a second copy
    enhanced_code status;      // {0,0,0}: none was given
    bool said_by_peer = false; // else `text` is ours
    bool of_recipient = false; // it was the reply to its RCPT
    std::string text;
};

class client_session {
  public:
    explicit client_session(client_settings settings);

    client_step next() const { return wanted_; }
    void on_input(std::string_view octets); // lent for the call
    void on_written();
    void on_tls(bool done, std::string_view why = "the TLS handshake failed"); // `why`: when it isn't
    void on_content_sent();
    // The content didn't go through to its end: whoever refuses it before that says so, and goes. That reply
    // is read if it came; on_lost() otherwise.
    void on_content_broken();
    // The content can't be sent to this server, today or later; the connection is of no more use.
    void on_content_unfit(enhanced_code status, std::string_view why);
    // The connection broke, or a deadline passed: `why` in words, for logs and notices.
    void on_lost(std::string_view why);

    // When idle, or before the first step: the message is sent once the session is ready for it.
    void begin(outgoing_message message);
    void quit();

    std::string_view output() const { return output_; }
    std::span<const recipient_outcome> outcomes() const { return outcomes_; } // of the message begun last
    unsigned replies_to_message() const {
        return heard_;
    } // since begin(): 0 = the server said nothing of it yet
    bool is_ready() const {
        return ready_;
    } // greeted, secured where it was to be: mail can be, or could be, sent
    // The reply that comes next, or would.
    client_wait awaits() const { return expected_.empty() ? client_wait::quit : expected_.front().what; }
    bool awaits_final_reply() const { return awaits() == client_wait::final_reply; } // the content has gone
    // The server has no 8BITMIME: the content is to be encoded before it is sent (RFC 6152 §3).
    bool sends_seven_bit() const;
    std::uint64_t content_size() const { return message_ ? message_->size : 0; } // of the message being sent
    // It takes no further transaction (RFC 9422 §4.1): to be ended with quit().
    bool is_spent() const { return limits_.mails != 0 && mails_ >= limits_.mails; }

    // Why the conversation ended without being asked to; empty while it goes on or after quit().
    struct trouble {
        enum class kind : std::uint8_t {
            refused,   // a 5yz greeting: another server may take the mail
            temporary, // 4yz where nothing else can be done
            protocol,  // the server said what it can't say
            no_tls,    // required and not to be had, or the handshake failed
            no_login,  // it takes ours never, or none that we know
            no_chunks, // it offers CHUNKING and doesn't know BDAT
            ourselves, // it has a name of ours
            lost,
        };
        kind what = kind::lost;
        std::string text;
    };
    const std::optional<trouble>& fault() const { return fault_; }
    bool offers(std::string_view keyword) const; // any case

  private:
    using awaited = client_wait;
    struct expectation {
        awaited what;
        std::size_t recipient = 0; // rcpt, final_reply of LMTP
    };
    struct capability {
        std::string keyword; // lower case
        std::string value;
    };
    struct peer_limits { // RFC 9422; 0 = none told
        std::uint64_t recipients = 0, mails = 0, domains = 0;
    };
    // What a recipient is in the transaction under way. Those that have an outcome are in none.
    enum class place : std::uint8_t { outside, named, accepted };
    struct transaction {
        std::size_t next = 0;             // the first that was not looked at for it
        std::uint64_t named = 0;          // RCPTs
        bool full = false;                // nobody else is named
        bool content_sent = false;        // to its last octet
        bool content_broken = false;      // it never will be
        std::vector<std::string> domains; // of those named; kept where the server limits them
    };

    void take(peer_reply reply);
    void took_farewell(const peer_reply& reply, awaited instead_of);
    void took_greeting(const peer_reply& reply);
    void took_hello(const peer_reply& reply);
    void learn(const peer_reply& reply);
    void learn_limits(std::string_view text);
    void took_starttls(const peer_reply& reply);
    void took_auth(const peer_reply& reply);
    void took_mail(const peer_reply& reply);
    void took_rcpt(const peer_reply& reply, std::size_t index);
    void took_data(const peer_reply& reply);
    void took_final(const peer_reply& reply, std::size_t index);

    static std::string_view take_word(std::string_view& list); // what stands before the next blank
    void say_hello();
    void say_login();
    void fail_login(std::string text, trouble::kind what);
    void become_ready();
    void begin_transaction();
    void send_recipients();
    std::optional<std::size_t> next_to_name();
    bool fits_domains(const std::string& address);
    void send_data();
    void after_envelope();
    void finish_transaction();
    bool uses_chunks() const;
    bool can_carry_message();
    bool is_one_too_many(const peer_reply& reply) const;
    std::string mail_line() const;
    std::string rcpt_line(const outgoing_recipient& to) const;
    void expect(awaited what, std::size_t recipient = 0) { expected_.push_back({what, recipient}); }
    void go_on();
    void finish_message();
    void fail(trouble::kind what, std::string text);
    void settle(std::size_t index, const peer_reply& reply);
    void settle_all(const peer_reply& reply);
    void settle_pending(recipient_outcome::kind what, enhanced_code status, std::string_view why);
    void settle_content(std::size_t index, const peer_reply& reply);
    void settle_accepted(const peer_reply& reply);
    bool any_accepted() const;
    bool any_pending() const;
    void settle_question();
    std::optional<std::string_view> value_of(std::string_view keyword) const;
    bool is_our_own(std::string_view greeting) const;

    client_settings settings_;
    client_step wanted_ = client_step::read;
    reply_reader replies_;
    std::string output_;
    std::deque<expectation> expected_; // replies that will come, in order; at most a group of commands
    std::vector<capability> capabilities_;
    peer_limits limits_;
    bool tls_ = false;
    bool says_helo_ = false; // it knew no EHLO
    bool ready_ = false;     // greeted, secured: a message can begin
    bool logged_in_ = false;
    std::deque<std::string> login_answers_; // to what the server asks for, in order
    unsigned heard_ = 0;                    // replies since begin()
    bool quitting_ = false;
    std::uint64_t mails_ = 0; // MAILs on this connection

    std::optional<outgoing_message> message_;
    std::vector<recipient_outcome> outcomes_;
    std::vector<place> places_;
    transaction now_;
    std::optional<trouble> fault_;
};

// RFC 5321 §4.1.1.10: said before a connection is closed that is kept and idle, whoever listens.
inline constexpr std::string_view client_farewell = "QUIT\r\n";
inline constexpr std::size_t recipients_group_max = 100; // RCPTs written before their replies are read

} // namespace postern::protocol

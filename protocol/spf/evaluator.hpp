// check_host() of RFC 7208 §4 as a machine: it states questions for DNS, is given the answers in any order,
// and comes to one of seven results. It judges in the order of the record whatever the order of the answers,
// so that questions may be asked side by side, and early, without any change to a result or to a limit.
// Every record, name and answer is a stranger's: questions and memory are bounded by the limits below. It
// never fails otherwise than by temperror and permerror, and never asks for an explanation (exp=).
#pragma once

#include "protocol/dns/message.hpp"
#include "protocol/spf/record.hpp"

#include <map>

namespace postern::protocol::spf {

// RFC 7208 §4.6.4. All count over the whole check, includes and redirects within.
inline constexpr unsigned lookup_terms_max = 10; // include, a, mx, ptr, exists, redirect; %{p} is one more
// Terms that look for what isn't there. A term counts once: when what it names has no record, or when none of
// its MX hosts has an address. So hosts without AAAA don't stop a client of IPv6 sooner than §4.6.4 wants it.
inline constexpr unsigned void_terms_max = 2;
inline constexpr std::size_t mx_names_max = 10;   // of one mx; more are a permerror
inline constexpr std::size_t ptr_names_max = 10;  // more are not looked at
inline constexpr std::size_t addresses_max = 256; // of one name; more are not looked at
// Questions that are asked before it is sure that they matter. All others together: a TXT, the PTR with its
// names, and what lookup_terms_max terms need.
inline constexpr std::size_t early_questions_max = 40;
inline constexpr std::size_t questions_max =
    early_questions_max + 1 + 1 + ptr_names_max + lookup_terms_max * (1 + mx_names_max);

enum class answer_state : std::uint8_t {
    found,  // CNAMEs followed
    absent, // no such name, or nothing of this type
    failed, // a time-out, SERVFAIL or any other trouble
};

struct looked_up {
    answer_state state = answer_state::absent;
    dns_records records; // of the type asked for; those of MX in the order to try
};

enum class outcome : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror }; // §2.6
std::string_view to_string(outcome result); // "softfail": as in Received-SPF and Authentication-Results

enum class identity : std::uint8_t { mail_from, helo };

struct query {
    ip_address client;
    std::string helo;   // as the client gave it
    std::string local;  // of MAIL FROM, without quotes; empty: "postmaster" (§4.3)
    std::string domain; // of MAIL FROM, in A-labels; empty, as in "<>": postmaster@helo is checked (§2.4)
};

inline constexpr std::size_t problem_max = 512;

// Texts may hold octets that a stranger chose; all but `domain` are printable ASCII.
struct conclusion {
    outcome result = outcome::none;
    identity checked = identity::mail_from;
    std::string domain;    // the domain of that identity
    std::string mechanism; // the directive that decided, without its sign; "default" where none matched;
                           // empty for none, temperror, permerror
    // In whose record it stands: differs after redirect=; of errors, where it arose.
    std::string record_domain;
    std::string via;           // inside an include: "_spf.example.net: ip4:192.0.2.0/24"
    std::string explanation;   // a sentence without a final dot, for the reply, the header and the log
    std::string problem;       // of temperror and permerror: what happened where; at most problem_max octets
    unsigned lookup_terms = 0; // of lookup_terms_max
    unsigned void_terms = 0;   // of void_terms_max
    bool operator==(const conclusion&) const = default;
};

enum class early_questions : std::uint8_t { ask, none };

class evaluator {
  public:
    struct asked {
        dns_question what;
        bool needed = true; // false: it may turn out not to matter; asked now it saves a round trip
    };
    // Valid until the next call of anything.
    struct step {
        const conclusion* done = nullptr; // then there is nothing more to ask
        std::span<const asked> questions; // each is stated once, and each has to be answered at some time
    };

    explicit evaluator(query subject, early_questions early = early_questions::ask);
    evaluator(evaluator&&) = default;
    evaluator& operator=(evaluator&&) = default;

    // What to do now. No new question and not done: answers that were asked for are still missing.
    step next();
    // Answers nobody asked for, and second ones, are ignored.
    void answer(const dns_question& what, const looked_up& given);
    // The caller's time is up (§4.6.4: not before 20 seconds): temperror, unless it was done before.
    void give_up();

    const query& subject() const { return subject_; }

  private:
    struct known {
        bool waiting = true;
        answer_state state = answer_state::absent;
        std::vector<ip_address> addresses;
        std::vector<dns_name> names; // at most one more than is looked at
        std::optional<record> policy;
        std::string problem; // of TXT: why there is no policy though there is a record
    };
    // One check_host(): that of the sender's domain, and one for each include that it is in.
    struct frame {
        std::string domain;
        dns_name name;                  // the same
        const record* policy = nullptr; // owned by known_; null: its TXT is not there yet
        std::size_t next = 0;           // the term to try
        bool redirected = false;        // "none" is a permerror (§6.1)
        bool charged = false;           // the term has been counted
        bool found_nothing = false;     // the term looked for what isn't there
    };
    struct target {
        enum class state : std::uint8_t {
            ready,
            waiting,
            no_name,   // no DNS name can be made of it (§4.8)
            unmatched, // RFC 8616 §4
            ended,     // a limit was reached
        } is = state::ready;
        std::string text{};
        dns_name name{};
    };
    enum class match : std::uint8_t { yes, no, waiting, entered, ended };

    bool advance();
    bool open_record();
    bool end_of_record();
    void next_term(frame& here);
    void leave(outcome result, const directive* matched);
    void finish(outcome result, const directive* matched, std::string via);
    void stop(outcome result, std::string_view problem);
    bool charge_term(frame& here);
    bool charge();

    match try_directive(frame& here, const directive& term);
    match try_include(frame& here, const directive& term, target at);
    match try_a(frame& here, const directive& term, const target& at);
    match try_exists(frame& here, const target& at);
    match try_mx(frame& here, const directive& term, const target& at);
    match try_ptr(frame& here, const target& at);
    target target_of(frame& here, slice domain_spec);
    std::optional<std::string> validated_name(frame& here);
    bool names_client(const known& host, std::uint8_t prefix4, std::uint8_t prefix6) const;
    bool is_unmatched(std::string_view domain_spec) const;
    const target& expanded(std::string_view spec, std::string_view domain, std::string_view validated);
    match dns_trouble(const dns_name& name);
    static bool is_multi_label(const dns_name& name);

    const known* find(const dns_name& name, dns_type type) const; // null: not answered yet
    const known* ask(const dns_name& name, dns_type type);        // the same; asks where nobody has
    bool ask_all(std::span<const dns_name> names);
    void keep_record(known& made, const dns_name& name, std::span<const std::string> texts);

    void look_ahead();
    bool foresee(const record& policy, const target& at, std::size_t from, unsigned& terms_left);
    bool foresee_lookup(mechanism kind, const target& at, unsigned& terms_left);
    target foreseen_target(std::string_view domain_spec, const target& at);
    const known* ask_early(const dns_name& name, dns_type type);

    query subject_;
    early_questions early_;
    identity checked_ = identity::mail_from;
    std::string domain_; // of the identity, without a final dot
    dns_type address_type_ = dns_type::a;
    bool local_is_ascii_ = true;

    std::vector<frame> frames_;
    std::map<std::pair<std::string, dns_type>, known> known_; // nodes stay where they are
    std::map<const char*, target> targets_;
    std::vector<asked> fresh_;
    std::optional<conclusion> done_;
    std::size_t early_asked_ = 0;
    unsigned lookup_terms_ = 0;
    unsigned void_terms_ = 0;
    bool validated_charged_ = false; // %{p} has been counted
    bool validated_void_ = false;    // and its missing PTR
};

} // namespace postern::protocol::spf

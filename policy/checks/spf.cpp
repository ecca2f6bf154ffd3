// Test 5: may the client send for the sender's domain? (RFC 7208.) Begun at MAIL; the evaluator says what to
// ask, and all that it wants at a time is asked at once.
#include "policy/check.hpp"
#include "policy/questions.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

namespace postern::policy {
namespace {

namespace spf = protocol::spf;
using protocol::make_reply;
using protocol::reply_id;
using conclusion = std::shared_ptr<const spf::conclusion>;

// RFC 7208 §4.6.4: the whole check gets 20 seconds at the least before it is given up.
constexpr std::chrono::seconds patience{20};

spf::looked_up for_evaluator(dns_result&& answer) {
    if (auto* found = std::get_if<protocol::dns_found>(&answer)) {
        protocol::sort_by_preference(found->records.exchangers);
        return {spf::answer_state::found, std::move(found->records)};
    }
    const bool absent = std::holds_alternative<protocol::dns_absent>(answer);
    return {absent ? spf::answer_state::absent : spf::answer_state::failed, {}};
}

class evaluation {
  public:
    evaluation(resolver& dns, tasks& beside, spf::query subject)
        : machine_(std::move(subject)), asked_(dns, beside, dns.deadline(patience)) {}

    // Goes as far as answers are at hand; null: it has to wait for one.
    conclusion advance() {
        for (;;) {
            const auto step = machine_.next();
            if (step.done != nullptr) return std::make_shared<const spf::conclusion>(*step.done);
            for (const auto& one : step.questions) asked_.ask(one.what, 0);
            if (asked_.open() == 0) { // can't be: nothing done and nothing asked
                machine_.give_up();
                continue;
            }
            auto come = asked_.take();
            if (!come) return nullptr;
            hear(std::move(*come));
        }
    }
    static boost::asio::awaitable<conclusion> end(evaluation self) {
        for (;;) {
            if (auto done = self.advance()) co_return done;
            auto coming = self.asked_.next();
            self.hear(co_await std::move(coming));
        }
    }

  private:
    void hear(questions::answer&& come) { machine_.answer(come.to, for_evaluator(std::move(come.what))); }

    spf::evaluator machine_;
    questions asked_;
};

conclusion no_memory() {
    auto made = std::make_shared<spf::conclusion>();
    made->result = spf::outcome::temperror;
    return made;
}

spf::query subject_of(const context& about) {
    spf::query made;
    made.client = about.client;
    made.helo = about.helo;
    if (about.envelope.sender) {
        made.local = about.envelope.sender->local;
        made.domain = about.envelope.sender->domain;
    }
    return made;
}

void start(context& about) {
    evaluation begun(about.ask.dns, about.ask.beside, about.learned.spf_subject);
    if (auto done = begun.advance()) return about.learned.spf.know(std::move(done));
    auto work = evaluation::end(std::move(begun));
    about.learned.spf.begin(about.ask.beside, std::move(work), no_memory());
}

// Then the rest probably is as well, and there is nothing to gain by evaluating it for a recipient that may
// be refused before.
bool has_record_at_hand(const context& about) {
    const auto& subject = about.learned.spf_subject;
    const auto name = protocol::dns_name::parse(subject.domain.empty() ? subject.helo : subject.domain,
                                                protocol::dns_escapes::none);
    return name && about.ask.dns.remembered({*name, protocol::dns_type::txt});
}

// Another server that redirects mail to somebody here sends it as if from its sender: SPF can't but fail.
bool takes_redirected(const context& about) {
    if (!about.leads_to || !*about.leads_to || (*about.leads_to)->recipients.empty()) return false;
    for (const auto& box : (*about.leads_to)->recipients) {
        const auto record = box.local ? about.ask.accounts.find_mailbox(box.address)
                                      : result<std::optional<storage::mailbox_record>>(std::nullopt);
        if (!record || !*record || !(*record)->accept_redirected) return false;
    }
    return true;
}

} // namespace

void begin_spf(stage, context& about) {
    about.learned.spf_wanted = true;
    about.learned.spf_subject = subject_of(about);
    if (!has_record_at_hand(about)) start(about);
}

boost::asio::awaitable<verdict> check_spf(stage, context& about) {
    if (!about.learned.spf.begun()) start(about);
    if (!about.learned.spf_result) about.learned.spf_result = co_await about.learned.spf.get();
    const auto& found = *about.learned.spf_result;
    std::string cause(spf::to_string(found.result));
    if (!found.problem.empty()) cause += ": " + found.problem;
    const std::string sender = about.envelope.sender_text();
    switch (found.result) {
    case spf::outcome::fail:
        if (takes_redirected(about))
            co_return verdict::pass(cause + "; the mailbox takes mail that others redirect");
        co_return verdict::refuse(make_reply(reply_id::spf_fail, {sender, found.explanation}),
                                  std::move(cause));
    case spf::outcome::temperror:
        co_return verdict::refuse(make_reply(reply_id::spf_temperror, {sender}), std::move(cause));
    case spf::outcome::permerror:
        if (about.config->spf.permerror == conf::spf_permerror::note) break;
        co_return verdict::refuse(make_reply(reply_id::spf_permerror, {sender, found.problem}),
                                  std::move(cause));
    case spf::outcome::none:
    case spf::outcome::neutral:
    case spf::outcome::pass:
    case spf::outcome::softfail: break;
    }
    co_return verdict::pass(std::move(cause));
}

} // namespace postern::policy

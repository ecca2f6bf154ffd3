// What a session asks of the policy, and how the answer is passed on.
#include "server/session_driver.hpp"

#include "policy/engine.hpp"
#include "policy/submission/desk.hpp"
#include "server/clock.hpp"

namespace postern::server {
namespace asio = boost::asio;
using protocol::question_stage;
using protocol::verdict_answer;

namespace {

policy::stage stage_of(question_stage asked) {
    switch (asked) {
    case question_stage::connect: return policy::stage::connect;
    case question_stage::helo: return policy::stage::helo;
    case question_stage::auth: break; // asked of nobody here: ask_auth()
    case question_stage::mail: return policy::stage::mail;
    case question_stage::rcpt: return policy::stage::rcpt;
    case question_stage::content: break;
    }
    return policy::stage::content;
}

// Those who don't get what others get; empty = all get it.
std::vector<std::optional<protocol::reply>> refusals_of(const policy::transaction& learned) {
    using kind = policy::recipient_outcome::kind;
    std::vector<std::optional<protocol::reply>> made(learned.outcomes.size());
    bool any = false;
    for (std::size_t i = 0; i < made.size(); ++i) {
        if (learned.outcomes[i].what != kind::refuse) continue;
        made[i] = learned.outcomes[i].with;
        any = true;
    }
    if (!any) made.clear();
    return made;
}

} // namespace

asio::awaitable<void> session_driver::ask() {
    if (session_->question() == question_stage::auth) {
        co_await ask_auth();
        co_return;
    }
    const auto at = stage_of(session_->question());
    if (at == policy::stage::connect) {
        const bool over = co_await waited_in_vain(config_->config->limits.greet_wait);
        if (over) co_return;
        if (stream_->has_unread_input()) {
            session_->on_early_input();
            co_return;
        }
    }
    if (at == policy::stage::mail) learned_ = std::make_unique<policy::transaction>();
    if (at == policy::stage::content) content_ended_ = std::chrono::steady_clock::now();
    verdict_answer answer;
    policy::verdict said;
    if (at == policy::stage::mail && refuses_new_mail(answer.with))
        answer.what = verdict_answer::kind::refuse;
    const bool takes_mail = listener_->role != conf::listener_role::tempfail;
    if (answer.what == verdict_answer::kind::accept && takes_mail && policy::has_checks(at, audience())) {
        policy::transaction none; // before MAIL
        said = co_await judge(at, learned_ ? *learned_ : none);
        if (!said.passed()) {
            refused_by_ = &said;
            note_cause();
            if (learned_) learned_->room_to_send.reset(); // by what came after the limits
            if (services_.policy.sending != nullptr && audience() == policy::audience::people)
                policy::note_refused(*services_.policy.sending, session_->account(), said.check,
                                     *config_->config, local_day(now_seconds()));
            answer = {verdict_answer::kind::refuse, said.with};
        } else if (at == policy::stage::content) {
            answer.of_recipients = refusals_of(*learned_);
        }
    }
    session_->on_verdict(std::move(answer));
    refused_by_ = nullptr;
}

policy::audience session_driver::audience() const {
    return session_->account().empty() ? policy::audience::servers : policy::audience::people;
}

asio::awaitable<policy::verdict> session_driver::judge(policy::stage at, policy::transaction& learned) {
    const bool content = at == policy::stage::content;
    const std::int64_t now = now_seconds();
    policy::trace told;
    policy::context about{config_->config,
                          *listener_,
                          config_->resolving,
                          *config_->exempt_senders,
                          config_->own_addresses,
                          services_.policy,
                          client_,
                          session_->helo(),
                          session_->transaction(),
                          at == policy::stage::rcpt ? &session_->candidate() : nullptr,
                          content ? &session_->header() : nullptr,
                          content ? session_->content_size() : session_->transaction().declared_size,
                          now,
                          policy::is_the_day_asked(*config_->config) ? local_day(now) : conf::day{},
                          peer_,
                          learned,
                          told,
                          content ? this : nullptr};
    about.account = session_->account();
    policy::verdict said = co_await policy::judge(at, about);
    note_tests(told);
    co_return said;
}

} // namespace postern::server

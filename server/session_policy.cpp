// What a session asks of the policy, and how the answer is passed on.
#include "server/session_driver.hpp"

#include "policy/engine.hpp"
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
    case question_stage::mail: return policy::stage::mail;
    case question_stage::rcpt: return policy::stage::rcpt;
    case question_stage::content: break;
    }
    return policy::stage::content;
}

} // namespace

asio::awaitable<void> session_driver::ask() {
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
    if (answer.what == verdict_answer::kind::accept && takes_mail && policy::has_checks(at)) {
        policy::transaction none; // before MAIL
        said = co_await judge(at, learned_ ? *learned_ : none);
        if (!said.passed()) {
            refused_by_ = &said;
            note_cause();
            answer = {verdict_answer::kind::refuse, said.with};
        }
    }
    session_->on_verdict(std::move(answer));
    refused_by_ = nullptr;
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
    policy::verdict said = co_await policy::judge(at, about);
    note_tests(told);
    co_return said;
}

} // namespace postern::server

#include "server/admin/spf_trial.hpp"

#include "protocol/spf/evaluator.hpp"

namespace postern::server {

namespace {

namespace spf = protocol::spf;

spf::looked_up for_evaluator(policy::dns_result&& answer) {
    if (auto* found = std::get_if<protocol::dns_found>(&answer)) {
        protocol::sort_by_preference(found->records.exchangers);
        return {spf::answer_state::found, std::move(found->records)};
    }
    const bool absent = std::holds_alternative<protocol::dns_absent>(answer);
    return {absent ? spf::answer_state::absent : spf::answer_state::failed, {}};
}

boost::asio::awaitable<spf::outcome> evaluate(policy::resolver& dns, spf::query subject,
                                              policy::dns_deadline until) {
    spf::evaluator machine(std::move(subject), spf::early_questions::none);
    for (;;) {
        const auto step = machine.next();
        if (step.done != nullptr) co_return step.done->result;
        if (step.questions.empty()) machine.give_up(); // can't be: nothing done and nothing asked
        const std::vector<spf::evaluator::asked> questions(step.questions.begin(), step.questions.end());
        for (const auto& one : questions) {
            auto asking = dns.look_up(one.what, until);
            auto answer = co_await std::move(asking);
            machine.answer(one.what, for_evaluator(std::move(answer)));
        }
    }
}

} // namespace

boost::asio::awaitable<spf_trial> try_spf(policy::resolver& dns, std::string domain, std::string hostname,
                                          std::vector<protocol::ip_address> addresses,
                                          policy::dns_deadline until) {
    spf_trial made;
    for (const auto& address : addresses) {
        spf::query subject;
        subject.client = address;
        subject.helo = hostname;
        subject.local = "postmaster";
        subject.domain = domain;
        auto evaluating = evaluate(dns, std::move(subject), until);
        const auto result = co_await std::move(evaluating);
        if (result == spf::outcome::temperror)
            made.is_whole = false;
        else
            (result == spf::outcome::pass ? made.passed : made.refused).push_back(address);
    }
    co_return made;
}

} // namespace postern::server

// The server of tests/integration whose recipients differ: the product's tests and one more, "judging", which
// says of each recipient what its name asks for, where the sender's is "spam": v refuses, w puts off, x and y
// take it as junk. It obeys the mode of [dnsbl].
#include "policy/check.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <vector>

namespace postern::policy {
std::span<const check> registry_of_product();
} // namespace postern::policy

// The product's rows under another name: this file has the registry that the program is linked with.
#define registry registry_of_product
#include "policy/registry.cpp" // NOLINT(bugprone-suspicious-include)
#undef registry

namespace postern::policy {
namespace {

recipient_outcome outcome_for(const protocol::address& recipient) {
    const protocol::reply refusal{554, {5, 7, 1}, "<" + recipient.to_string() + ">: spam", false};
    const protocol::reply later{451, {4, 7, 1}, "<" + recipient.to_string() + ">: not now", false};
    switch (recipient.local.empty() ? ' ' : recipient.local.front()) {
    case 'v': return recipient_outcome::refuse(refusal, "score 12");
    case 'w': return recipient_outcome::refuse(later, "no answer");
    case 'x':
    case 'y': return recipient_outcome::junk("score 7");
    }
    return {};
}

boost::asio::awaitable<verdict> check_judging(stage, context& about) {
    const auto& sender = about.envelope.sender;
    if (!sender || sender->local != "spam") co_return verdict::pass();
    auto& learned = about.learned;
    for (std::size_t i = 0; i < learned.outcomes.size(); ++i)
        learned.outcomes[i].add(outcome_for(about.envelope.recipients[i].mailbox));
    learned.result_fields.push_back("X-Spam-Status: Yes, score=7\r\n\ttests=judging\r\n");
    co_return verdict::pass();
}

} // namespace

std::span<const check> registry() {
    static const std::vector<check> rows = [] {
        const auto product = registry_of_product();
        std::vector<check> made(product.begin(), product.end());
        made.push_back({"judging", {stage::content}, check_judging, for_the_allowed::is_skipped, dnsbl});
        return made;
    }();
    return rows;
}

} // namespace postern::policy

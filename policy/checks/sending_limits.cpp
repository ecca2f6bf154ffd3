// What an account may send, of who authenticated: nothing while it is suspended; at RCPT and, exactly, when
// the whole message is there, no more copies than its limits. The last of all checks: what can refuse the
// message once room was reserved for it is the sum of its recipients' own refusals, and the disk; then the
// room is given back.
#include "conf/settings.hpp"
#include "policy/check.hpp"

#include "policy/submission/desk.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;

verdict lookup_trouble(const context& about, const boost::system::error_code& why) {
    return verdict::refuse(make_reply(reply_id::lookup_trouble, {about.account}),
                           "the account's limits: " + why.message());
}

verdict refuse_suspended(std::string_view account, std::string cause) {
    return verdict::refuse(make_reply(reply_id::account_suspended, {account}), std::move(cause));
}

verdict refuse_over(const context& about, const over_limit& over) {
    const auto limit = fmt::format("{}", over.limit);
    if (over.which == over_limit::kind::too_wide)
        return verdict::refuse(make_reply(reply_id::wider_than_limit, {about.account, limit}),
                               "a message with more recipients than the limit");
    auto& desk = *about.ask.sending;
    if (over.is_first_hit) desk.news.limit_reached(about.account, over);
    const auto left = std::max(over.ends - desk.clock.now(), rate_seconds{0});
    const bool copies = over.which == over_limit::kind::copies;
    const auto what = copies ? reply_id::hourly_limit_reached : reply_id::first_time_limit_reached;
    return verdict::refuse(
        make_reply(what, {about.account, limit, clock_text(about.now + left), fmt::format("{}", left)}),
        copies ? "the hourly limit" : "the limit of first-time recipients");
}

verdict at_rcpt(context& about, const sending_terms& terms) {
    const auto most = about.config->submission.max_recipients;
    if (about.envelope.recipients.size() >= most)
        return verdict::refuse(make_reply(reply_id::too_many_recipients, {fmt::format("{}", most)}));
    auto& desk = *about.ask.sending;
    const auto over = desk.limits.look(about.account, terms, desk.clock.now());
    if (!over) return lookup_trouble(about, over.error());
    return *over ? refuse_over(about, **over) : verdict::pass();
}

// A copy each: an alias is one, whatever it leads to, for that is the operator's.
std::vector<std::string> who_gets_it(const context& about) {
    std::vector<std::string> whom;
    const auto& all = about.envelope.recipients;
    const auto& outcomes = about.learned.outcomes;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (i >= outcomes.size() || outcomes[i].what != recipient_outcome::kind::refuse)
            whom.push_back(all[i].mailbox.folded());
    return whom;
}

std::optional<verdict> suspended_now(const context& about) {
    const auto found = about.ask.sending->suspended.find(about.account);
    if (!found) return lookup_trouble(about, found.error());
    if (*found) return refuse_suspended(about.account, "suspended: " + (*found)->why);
    return std::nullopt;
}

verdict at_content(context& about, const sending_terms& terms) {
    auto& desk = *about.ask.sending;
    about.learned.room_to_send.reset();
    if (auto refused = suspended_now(about)) return std::move(*refused); // since MAIL
    const auto whom = who_gets_it(about);
    if (whom.empty()) return verdict::pass("nobody gets it");
    auto answer = desk.limits.reserve(about.account, about.client, whom, terms, desk.clock.now());
    if (!answer) return lookup_trouble(about, answer.error());
    if (const auto* over = std::get_if<over_limit>(&*answer)) return refuse_over(about, *over);
    const auto stolen = examine(desk, about.account, *about.config, about.today);
    if (!stolen) return lookup_trouble(about, stolen.error());
    if (*stolen) return refuse_suspended(about.account, "it is suspended now");
    about.learned.room_to_send.emplace(std::move(std::get<reservation>(*answer)));
    return verdict::pass();
}

} // namespace

boost::asio::awaitable<verdict> check_suspension(stage, context& about) {
    if (about.account.empty() || about.ask.sending == nullptr) co_return verdict::pass();
    // Dovecot's accounts need no mailbox here; ours may be gone since the login.
    if (!conf::parse_dovecot(about.config->auth.source)) {
        const auto mailbox = about.ask.accounts.find_mailbox(about.account);
        if (!mailbox) co_return lookup_trouble(about, mailbox.error());
        if (!*mailbox)
            co_return verdict::refuse(make_reply(reply_id::account_gone, {about.account}),
                                      "removed since its login");
    }
    auto refused = suspended_now(about);
    co_return refused ? std::move(*refused) : verdict::pass();
}

boost::asio::awaitable<verdict> check_sending_limits(stage at, context& about) {
    if (about.account.empty() || about.ask.sending == nullptr) co_return verdict::pass();
    const auto terms = sending_terms_for(about.account, about.ask.accounts, about.config->submission);
    if (!terms) co_return lookup_trouble(about, terms.error());
    co_return at == stage::rcpt ? at_rcpt(about, *terms) : at_content(about, *terms);
}

} // namespace postern::policy

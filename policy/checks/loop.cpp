// A message that was delivered to one of its recipients before (Delivered-To), or forwarded by the same
// alias, goes round in circles; its sender is told. The count of Received fields is the session's own limit.
#include "policy/check.hpp"

#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>
#include <unordered_set>

namespace postern::policy {
namespace {

// Some deliverers write the address as a path.
std::string_view without_brackets(std::string_view field) {
    if (field.size() > 2 && field.front() == '<' && field.back() == '>')
        return field.substr(1, field.size() - 2);
    return field;
}

// Its aliases send it to another server (server/delivery/forwarding.hpp).
bool forwards(const protocol::address& asked, const accepted_recipient& accepted) {
    return std::ranges::any_of(accepted.leads_to, [&](const auto& box) {
        const auto target = protocol::parse_address(box.address);
        return !box.local && target && target->folded() != asked.folded();
    });
}

// The recipient who has had it; "" = nobody.
std::string seen_before(const std::unordered_set<std::string>& seen, const context& about) {
    const auto& all = about.learned.recipients;
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const auto& box : all[i].leads_to)
            if (box.local && seen.contains(box.address)) return box.address;
        if (i >= about.envelope.recipients.size()) continue;
        auto asked = about.envelope.recipients[i].mailbox;
        if (asked.domain.empty()) asked.domain = about.config->server.hostname; // <postmaster>
        if (forwards(asked, all[i]) && seen.contains(asked.folded())) return asked.to_string();
    }
    return {};
}

} // namespace

boost::asio::awaitable<verdict> check_loop(stage, context& about) {
    std::unordered_set<std::string> seen;
    for (const auto& field : about.header->delivered_to())
        if (const auto parsed = protocol::parse_address(without_brackets(field)))
            seen.insert(parsed->folded());
    if (seen.empty()) co_return verdict::pass();
    const auto who = seen_before(seen, about);
    if (who.empty()) co_return verdict::pass();
    co_return verdict::refuse(
        protocol::make_reply(protocol::reply_id::mail_loop, {who + " has had it already"}));
}

} // namespace postern::policy

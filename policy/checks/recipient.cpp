// Test 3: can the recipient be delivered to? Unknown, not ours, full; the engine has followed its aliases, so
// that what is accepted has somewhere to go. A table that can't be read, or a primary that can't be asked,
// defers (451).
#include "policy/check.hpp"

#include "conf/settings.hpp"
#include "protocol/scan/order.hpp"
#include "protocol/smtp/reply_catalogue.hpp"
#include "storage/queue.hpp"

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;
using storage::resolution_kind;

constexpr std::size_t rooms_asked_max = 8; // each may take seconds

// The refusal that a resolution without recipients stands for.
reply_id refusal_for(resolution_kind kind) {
    switch (kind) {
    case resolution_kind::not_ours: return reply_id::not_our_domain;
    case resolution_kind::loop: return reply_id::alias_loop;
    case resolution_kind::too_many: return reply_id::alias_too_wide;
    case resolution_kind::unknown:
    case resolution_kind::found: break;
    }
    return reply_id::user_unknown;
}

// Of the whole transaction, through its aliases: what the queue can keep is limited.
std::size_t final_recipients(const transaction& accepted) {
    std::size_t all = 0;
    for (const auto& one : accepted.recipients) all += one.leads_to.size();
    return all;
}

std::size_t subject_phrases_of(const std::vector<storage::final_recipient>& boxes) {
    std::size_t all = 0;
    for (const auto& box : boxes) all += box.subject_phrases;
    return all;
}

// The subjects that mailboxes refuse go to the scanner in one order, which has room for so many: who comes
// with more of them waits for another transaction, or its subjects would not be looked for.
bool has_room_for_phrases(const std::vector<storage::final_recipient>& boxes, const context& about) {
    const auto own = subject_phrases_of(boxes);
    if (own == 0 || about.learned.recipients.empty()) return true;
    std::size_t all = own + about.config->spam.phrases.size();
    for (const auto& one : about.learned.recipients) all += subject_phrases_of(one.leads_to);
    return all <= protocol::scan::phrases_max;
}

// What the primary says of a recipient that only it knows; nullopt = it takes its mail.
boost::asio::awaitable<std::optional<verdict>> ask_primary(const context& about) {
    using kind = call_out_answer::kind;
    const std::string asked = about.candidate->mailbox.to_string();
    call_out_answer said;
    if (about.ask.primaries != nullptr) {
        call_out_question question{*about.primary, asked, about.envelope.smtputf8};
        said = co_await about.ask.primaries->ask(std::move(question));
    }
    auto why = "the primary " + about.primary->to_string() + ": " + said.why;
    reply_id refusal = reply_id::primary_away;
    switch (said.what) {
    case kind::taken: co_return std::nullopt;
    case kind::unknown: refusal = reply_id::user_unknown; break;
    case kind::full: refusal = reply_id::mailbox_full; break;
    case kind::no_utf8: refusal = reply_id::primary_lacks_utf8; break;
    case kind::later: break;
    }
    co_return verdict::refuse(make_reply(refusal, {asked}), std::move(why));
}

enum class room_left { some, none };

// None only when every mailbox is full: the others still get the message, a full one is tried again from the
// queue. More than a few are not asked.
boost::asio::awaitable<result<room_left>> room_for(const std::vector<storage::final_recipient>& boxes,
                                                   const context& about) {
    if (boxes.size() > rooms_asked_max) co_return room_left::some;
    const bool has_own_quotas =
        conf::parse_lmtp(about.config->local.transport).has_value(); // the LMTP server
    for (const auto& box : boxes) {
        if (!box.local || (box.quota == 0 && !has_own_quotas)) co_return room_left::some;
        auto room = co_await about.ask.room.has_room(box, about.size);
        if (!room) co_return room.error();
        if (*room) co_return room_left::some;
    }
    co_return room_left::none;
}

} // namespace

boost::asio::awaitable<verdict> check_recipient(stage, context& about) {
    const std::string asked = about.candidate->mailbox.to_string();
    const auto& found = *about.leads_to;
    if (!found)
        co_return verdict::refuse(make_reply(reply_id::lookup_trouble, {asked}), found.error().message());
    if (about.no_notice) co_return verdict::refuse(make_reply(*about.no_notice, {asked}));
    if (found->kind != resolution_kind::found)
        co_return verdict::refuse(make_reply(refusal_for(found->kind), {asked}));
    if (final_recipients(about.learned) + found->recipients.size() > storage::recipients_max ||
        !has_room_for_phrases(found->recipients, about))
        co_return verdict::refuse(
            make_reply(reply_id::too_many_recipients, {std::to_string(about.learned.recipients.size())}));
    // One transaction, one tier: the first recipient's.
    const std::string tier = about.tier == nullptr ? std::string() : about.tier->name;
    if (!about.learned.recipients.empty() && tier != about.learned.tier)
        co_return verdict::refuse(make_reply(reply_id::other_tier, {asked}));
    if (about.primary != nullptr) {
        auto refused = co_await ask_primary(about);
        if (refused) co_return std::move(*refused);
    }
    const auto& ends = found->recipients;
    co_return verdict::pass(ends.size() == 1 ? ends.front().address
                                             : std::to_string(ends.size()) + " recipients");
}

// The mailbox's room, which has a mode; who isn't there is never accepted.
boost::asio::awaitable<verdict> check_room(stage, context& about) {
    const std::string asked = about.candidate->mailbox.to_string();
    const auto room = co_await room_for((*about.leads_to)->recipients, about);
    if (!room)
        co_return verdict::refuse(make_reply(reply_id::lookup_trouble, {asked}), room.error().message());
    if (*room == room_left::none) co_return verdict::refuse(make_reply(reply_id::mailbox_full, {asked}));
    co_return verdict::pass("has room");
}

} // namespace postern::policy

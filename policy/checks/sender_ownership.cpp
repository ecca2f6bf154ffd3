// Who authenticated writes from his own addresses alone: in MAIL FROM, and in From and Sender of the header.
// The empty sender is everybody's in the envelope (RFC 5321 §4.5.5 wants it of a disposition notification);
// the header's From counts there too. A table that can't be read defers.
#include "conf/settings.hpp"
#include "policy/check.hpp"
#include "policy/submission/ownership.hpp"
#include "protocol/mail/author_list.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace postern::policy {
namespace {

using conf::ownership_mode;
using protocol::make_reply;
using protocol::reply_id;

constexpr std::size_t addresses_told = 20;
constexpr std::size_t text_told = 240;  // octets: make_reply() cuts a value at 256
constexpr std::size_t reply_room = 400; // octets of a reply's line for its values

ownership_mode mode_of(const context& about) {
    const auto& set = about.config->sender_ownership;
    const bool has_day = set.enforce_from != conf::day{};
    const bool has_come = has_day && !(about.today < set.enforce_from);
    switch (set.mode) {
    case ownership_mode::enforce:
        return has_day && !has_come ? ownership_mode::report : ownership_mode::enforce;
    case ownership_mode::learn: return has_come ? ownership_mode::enforce : ownership_mode::learn;
    case ownership_mode::report:
    case ownership_mode::off: break;
    }
    return set.mode;
}

void note(const context& about, const protocol::address& sender, ownership_mode mode) {
    if (about.ask.foreign == nullptr) return;
    auto what = foreign_fate::refused;
    if (mode == ownership_mode::report) what = foreign_fate::reported;
    if (mode == ownership_mode::learn) what = foreign_fate::learned;
    about.ask.foreign->note(std::string(about.account), sender.folded(), what);
}

std::string how_to_add(const context& about) {
    const auto& url = about.config->identity.url;
    return url.empty() ? "to write from it, ask your postmaster" : "to write from it, see " + url;
}

verdict foreign(stage at, const context& about, const ownership& owned, const protocol::address& sender) {
    const auto own = owned.addresses_of(about.account, addresses_told);
    const auto which = at == stage::mail ? reply_id::foreign_sender : reply_id::foreign_author;
    const auto address = sender.to_string(), how = how_to_add(about);
    const auto taken = std::min(reply_room, address.size() + about.account.size() + how.size());
    const auto list =
        own ? list_of_addresses(*own, std::min(text_told, reply_room - taken)) : std::string(about.account);
    return verdict::refuse(make_reply(which, {address, about.account, how, list}),
                           fmt::format("{} is no address of {}", address, about.account));
}

// What `refusal` comes to in the mode.
verdict as_mode_has_it(verdict refusal, ownership_mode mode) {
    const bool lenient = mode == ownership_mode::learn || mode == ownership_mode::report;
    if (!lenient || refusal.what == verdict::kind::defer) return refusal;
    return verdict::let_through(fmt::format("mode {}: {}", conf::name_of(mode),
                                            refusal.cause.empty() ? refusal.with.text : refusal.cause));
}

verdict judge_senders(stage at, const context& about, std::span<const protocol::address> senders,
                      ownership_mode mode) {
    const ownership owned(about.ask.accounts, about.ask.identities);
    const protocol::address* first = nullptr;
    for (const auto& sender : senders) {
        const auto own = owned.may_use(about.account, sender);
        if (!own)
            return verdict::refuse(make_reply(reply_id::ownership_unknown_now, {sender.to_string()}),
                                   own.error().message());
        if (*own) continue;
        note(about, sender, mode);
        if (first == nullptr) first = &sender;
        if (mode == ownership_mode::enforce) break;
    }
    if (first == nullptr) return verdict::pass();
    if (mode == ownership_mode::enforce) return foreign(at, about, owned, *first);
    return verdict::let_through(fmt::format("mode {}: {} is no address of {}", conf::name_of(mode),
                                            first->to_string(), about.account));
}

} // namespace

boost::asio::awaitable<verdict> check_ownership(stage at, context& about) {
    const auto mode = mode_of(about);
    if (about.account.empty()) co_return verdict::pass("nobody authenticated");
    if (at == stage::mail) {
        if (mode == ownership_mode::off) co_return verdict::pass("mode off");
        if (!about.envelope.sender) co_return verdict::pass("the empty sender");
        co_return judge_senders(at, about, std::span(&*about.envelope.sender, 1), mode);
    }
    // RFC 6409 §8: a message has authors that can be read, whoever they are.
    const auto authors = protocol::authors_of(*about.header);
    if (!authors) {
        const auto why = protocol::fault_text(authors.error());
        co_return as_mode_has_it(
            verdict::refuse(make_reply(reply_id::author_malformed, {why}), std::string(why)), mode);
    }
    const bool asked = mode != ownership_mode::off && about.config->sender_ownership.check_header_from;
    co_return asked ? judge_senders(at, about, *authors, mode) : verdict::pass("mode off");
}

} // namespace postern::policy

// Test 4, on secondaries: who is not known comes back. A table that can't be read defers, which is what it
// would do with a stranger anyway.
#include "policy/check.hpp"
#include "policy/rule.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;
using storage::greylist_answer;

bool is_exempt_sender(const context& about) {
    if (!about.envelope.sender || about.config->greylist.exempt_senders.empty()) return false;
    return about.exempt_senders.find(rule_action::allow,
                                     {about.envelope.sender->folded(), about.client, {}, {}}) != nullptr;
}

} // namespace

boost::asio::awaitable<verdict> check_greylist(stage, context& about) {
    if (about.listener.role != conf::listener_role::secondary || about.ask.greylist == nullptr)
        co_return verdict::pass("no secondary");
    if (protocol::contains(about.config->greylist.exempt_clients, about.client))
        co_return verdict::pass("an exempt client");
    if (is_exempt_sender(about)) co_return verdict::pass("an exempt sender");
    const auto& settings = about.config->greylist;
    const std::string asked = about.candidate->mailbox.to_string();
    const auto key = storage::greylist_key_of(about.envelope.sender, about.client);
    const auto answer =
        about.ask.greylist->attempt(key, about.now, {settings.delay.count(), settings.window.count()});
    if (!answer)
        co_return verdict::refuse(make_reply(reply_id::lookup_trouble, {asked}), answer.error().message());
    switch (*answer) {
    case greylist_answer::pass: co_return verdict::pass("known");
    case greylist_answer::pass_crowd: co_return verdict::pass("the table is full of known pairs");
    case greylist_answer::first:
        co_return verdict::refuse(make_reply(reply_id::greylisted, {asked}), "not known");
    case greylist_answer::early: break;
    }
    co_return verdict::refuse(make_reply(reply_id::greylisted, {asked}), "came back too early");
}

} // namespace postern::policy

// Allow and deny rules of the server and of the one mailbox that a RCPT leads to. Allow skips tests, deny
// refuses. A table that can't be read defers, and so does a name that can't be looked up where an allow rule
// hangs on it.
#include "policy/check.hpp"
#include "policy/client_name.hpp"
#include "policy/rule_book.hpp"
#include "protocol/smtp/reply_catalogue.hpp"

namespace postern::policy {
namespace {

using protocol::make_reply;
using protocol::reply_id;

// Of the only mailbox behind the address; "" where it is several or none: then the server's rules hold alone.
std::string mailbox_of(const context& about) {
    const auto& resolved = *about.leads_to;
    if (!resolved || resolved->recipients.size() != 1 || !resolved->recipients.front().local) return {};
    return resolved->recipients.front().address;
}

} // namespace

// Only where the server has rules about names: a mailbox that has some waits for the name at RCPT.
void begin_rules(stage, context& about) {
    const auto server = about.ask.rules.of({});
    if (server && (*server)->asks_host_name()) begin_name(about);
}

boost::asio::awaitable<verdict> check_rules(stage, context& about) {
    if (!about.allowed_by.empty()) co_return verdict::pass(about.allowed_by);
    const std::string mailbox = mailbox_of(about);
    const auto server = about.ask.rules.of({});
    const auto own = mailbox.empty() ? server : about.ask.rules.of(mailbox);
    if (!server || !own)
        co_return verdict::refuse(
            make_reply(reply_id::lookup_trouble, {about.candidate->mailbox.to_string()}),
            (server ? own : server).error().message());
    static const rule_set none;
    const rule_set& box = mailbox.empty() ? none : **own;
    client_name name;
    if ((*server)->asks_host_name() || box.asks_host_name()) {
        begin_name(about);
        name = co_await about.peer.name.get();
    }

    const std::string sender = about.envelope.sender ? about.envelope.sender->folded() : std::string();
    const rule_query query{sender, about.client, name.name, name.proof};
    const auto ruling = rule_on(**server, box, query);
    about.may_be_allowed = name.is_open && ((*server)->allows_host_names() || box.allows_host_names());
    if (!ruling) co_return verdict::pass("no rule");
    std::string cause =
        (ruling->scope == rule_scope::server ? "the server's rule " : "the mailbox's rule ") + ruling->text;
    if (ruling->action == rule_action::allow) {
        about.allowed_by = cause;
        co_return verdict::pass(std::move(cause));
    }
    const auto why = about.may_be_allowed ? reply_id::lookup_trouble : reply_id::denied_by_rule;
    if (about.may_be_allowed) cause += ", unless a rule allows the client, whose name can't be looked up";
    co_return verdict::refuse(make_reply(why, {about.candidate->mailbox.to_string()}), std::move(cause));
}

} // namespace postern::policy

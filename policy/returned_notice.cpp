#include "policy/returned_notice.hpp"

namespace postern::policy {
namespace {

using protocol::reply_id;
using protocol::srs::standing;
using storage::resolution_kind;

// Its primary has written it (primary.hpp).
bool is_of_a_primary(const context& about) {
    return about.listener.role == conf::listener_role::secondary &&
           conf::find_route(*about.config, about.candidate->mailbox.domain) != nullptr;
}

// The tests are still those of the domain that was written to.
void lead_to(const protocol::address& sender, context& about) {
    auto behind = storage::resolve(about.ask.accounts, sender, about.resolving);
    if (behind && behind->kind == resolution_kind::not_ours) {
        behind->kind = resolution_kind::found;
        behind->recipients = {{sender.to_string(), false, 0}};
    }
    if (behind) behind->tier = std::move((*about.leads_to)->tier);
    about.leads_to = std::move(behind);
}

} // namespace

void look_behind_forwarded(context& about) {
    const auto& asked = about.candidate->mailbox;
    const auto* srs = about.ask.srs;
    if (srs == nullptr || !protocol::is_rewritten_sender(asked.local)) return;
    if (!*about.leads_to || is_of_a_primary(about)) return;
    const auto found = srs->original_of(about.ask.accounts, *about.config, asked, about.now);
    if (!found) {
        about.leads_to.emplace(found.error());
        return;
    }
    switch (found->is) {
    case standing::other: return;
    case standing::expired: about.no_notice = reply_id::forwarded_sender_expired; return;
    case standing::forged: about.no_notice = reply_id::forwarded_sender_forged; return;
    case standing::valid: break;
    }
    if (about.envelope.sender)
        about.no_notice = reply_id::forwarded_sender_for_notices;
    else
        lead_to(found->to, about);
}

} // namespace postern::policy

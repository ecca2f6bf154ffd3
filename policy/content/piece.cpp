#include "policy/content/piece.hpp"

#include "policy/content/archive.hpp"
#include "policy/content/cms.hpp"
#include "protocol/smtp/grammar.hpp"

#include <algorithm>

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

bool is_message(const piece& one) {
    const auto named = [](const std::string& name) {
        const auto lower = protocol::to_lower(name);
        return lower.ends_with(".eml") || lower.ends_with(".mht") || lower.ends_with(".mhtml");
    };
    return looks_like_message(one.octets) || std::any_of(one.names.begin(), one.names.end(), named);
}

} // namespace

void look_at(look& shared, const piece& one) {
    if (one.octets.empty() || shared.out_of_time(one.where)) return;
    const auto viruses = shared.viruses();
    if (std::any_of(one.names.begin(), one.names.end(), names_a_volume))
        shared.add(finding_kind::unreadable, one.where, "a volume of several");
    look_at_cms(shared, one);
    const auto containers = recognise(one.octets);
    for (const recognised& what : containers) look_at_archive(shared, one, what);
    const bool message = one.may_be_message && is_message(one);
    if (message) look_at_message(shared, one);
    // Beyond our limits the engine would go on for as long as it may.
    if (shared.full() && (message || !containers.empty())) return;
    // A virus within it has been told by its own path.
    if (shared.viruses() == viruses) shared.scan(one.octets, one.where);
}

} // namespace postern::policy::content

#include "policy/content/cms.hpp"

#include "policy/content/gathered.hpp"
#include "policy/content/magic.hpp"
#include "protocol/smtp/grammar.hpp"

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

// What is signed is a part with its header (RFC 8551 §3.1), or any file.
bool begins_part(std::string_view octets) {
    const auto start = protocol::to_lower(octets.substr(0, octets.find_first_not_of("\r\n ") + 16));
    return start.find("content-") != std::string::npos || start.find("mime-version") != std::string::npos ||
           looks_like_message(octets);
}

std::string name_within(const std::string& name) {
    constexpr std::string_view ending = ".p7m";
    const bool ends = protocol::to_lower(name).ends_with(ending);
    return ends ? name.substr(0, name.size() - ending.size()) : name;
}

void look_at_content(look& shared, const piece& around, gathered& content) {
    piece inner;
    inner.octets = content.octets();
    for (const auto& name : around.names) inner.names.push_back(name_within(name));
    inner.where = around.where.below(inner.names.empty() ? std::string("signed") : inner.names.front());
    inner.archives = around.archives + 1;
    inner.messages = around.messages;
    if (inner.octets.size() < content.size()) shared.limit(inner.where, "room");
    for (const auto& name : inner.names) shared.judge(name, around.where);
    inner.may_be_message = false;
    if (begins_part(inner.octets)) look_at_message(shared, inner);
    look_at(shared, inner);
}

} // namespace

void look_at_cms(look& shared, const piece& around) {
    gathered content(shared.folder());
    bool room = true;
    const auto kind = read_cms(around.octets, [&](std::string_view part) {
        room = content.append(part);
        return room && !shared.out_of_time(around.where);
    });
    if (kind == cms_kind::none) return;
    if (!room) shared.limit(around.where, "room");
    switch (kind) {
    case cms_kind::none:
    case cms_kind::signed_data: break;
    case cms_kind::encrypted: return shared.add(finding_kind::encrypted, around.where, "s/mime");
    case cms_kind::compressed:
        return shared.add(finding_kind::unreadable, around.where, "s/mime: compressed");
    case cms_kind::broken: shared.add(finding_kind::unreadable, around.where, "s/mime: broken"); break;
    }
    if (content.size() == 0) return;
    if (around.archives >= shared.asked().max_depth) return shared.limit(around.where, "depth");
    look_at_content(shared, around, content);
}

} // namespace postern::policy::content

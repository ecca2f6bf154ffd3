#include "policy/content/archive.hpp"
#include "policy/content/tnef.hpp"

#include <fmt/format.h>

namespace postern::policy::content {

void look_at_tnef(look& shared, const piece& around) {
    const auto listing = read_tnef(around.octets, std::size_t(shared.entries_left()) + 1);
    if (!listing.whole)
        shared.add(protocol::scan::finding_kind::unreadable, around.where, "tnef: not to its end");
    for (const tnef_file& one : listing.files) {
        if (shared.out_of_time(around.where) || !shared.one_more_entry(around.where)) return;
        piece inner;
        inner.octets = one.octets;
        inner.names = one.names;
        inner.where = around.where.below(one.names.empty() ? std::string("data") : one.names.back());
        inner.archives = around.archives + 1;
        inner.messages = around.messages;
        shared.see("entry", inner.where, fmt::format("tnef, {} octets", one.octets.size()));
        for (const std::string& name : one.names) shared.judge(name, around.where);
        look_at(shared, inner);
    }
}

} // namespace postern::policy::content

// Which oddities of a ZIP are findings, and of what kind.
#include "policy/content/archive.hpp"
#include "policy/content/zip_directory.hpp"

#include <fmt/format.h>

namespace postern::policy::content {
namespace {

using protocol::scan::finding_kind;

constexpr std::size_t name_max = 4096; // octets of one name that are judged

// A file that only has a ZIP in it (an office document with another one in it, a program) may well have two,
// and holes: that is no contradiction.
bool counts_when_embedded(zip_oddity what) {
    switch (what) {
    case zip_oddity::names_differ:
    case zip_oddity::flags_differ:
    case zip_oddity::overlapping_entries:
    case zip_oddity::encrypted_directory:
    case zip_oddity::too_many: return true;
    case zip_oddity::methods_differ:
    case zip_oddity::sizes_differ:
    case zip_oddity::no_local_header:
    case zip_oddity::entry_not_listed:
    case zip_oddity::count_differs:
    case zip_oddity::directory_misplaced:
    case zip_oddity::several_directories:
    case zip_oddity::end_in_comment:
    case zip_oddity::zip64_differs:
    case zip_oddity::no_directory:
    case zip_oddity::several_volumes: return false;
    }
    return true;
}

void tell(look& shared, const path& where, const zip_found& odd) {
    const path entry = odd.name.empty() ? where : where.below(odd.name);
    switch (odd.what) {
    case zip_oddity::too_many: return; // one_more_entry says so
    case zip_oddity::encrypted_directory:
        return shared.add(finding_kind::encrypted, where, text_of(odd.what));
    case zip_oddity::several_volumes: return shared.add(finding_kind::unreadable, where, text_of(odd.what));
    case zip_oddity::overlapping_entries: // a bomb, too
        shared.limit(where, text_of(odd.what));
        break;
    case zip_oddity::names_differ:
    case zip_oddity::flags_differ:
    case zip_oddity::methods_differ:
    case zip_oddity::sizes_differ:
    case zip_oddity::no_local_header:
    case zip_oddity::entry_not_listed:
    case zip_oddity::count_differs:
    case zip_oddity::directory_misplaced:
    case zip_oddity::several_directories:
    case zip_oddity::end_in_comment:
    case zip_oddity::zip64_differs:
    case zip_oddity::no_directory: break;
    }
    shared.add(finding_kind::malformed, entry, text_of(odd.what));
}

void judge(look& shared, const path& where, const zip_name& one) {
    static constexpr std::string_view places[] = {"central", "local", "unicode"};
    if (shared.everything())
        shared.see("entry", where.below(one.name),
                   fmt::format("zip, {} header, method {}, {} to {} octets{}",
                               places[static_cast<std::size_t>(one.place)], one.method, one.packed,
                               one.unpacked, one.encrypted ? ", encrypted" : ""));
    if (one.name.size() > name_max) shared.limit(where, "name");
    const auto how = one.encrypted ? look::readable::encrypted : look::readable::yes;
    shared.judge(one.name.substr(one.name.size() - std::min(one.name.size(), name_max)), where, how);
    if (one.encrypted) shared.add(finding_kind::encrypted, where, "zip");
}

} // namespace

zip_ways look_at_zip_directory(look& shared, const piece& around, const recognised& what) {
    // One more than is allowed, so that the limit is found.
    const auto listing = read_zip(around.octets, std::size_t(shared.entries_left()) + 1);
    const bool embedded = !around.octets.starts_with("PK");
    zip_ways ways;
    ways.is_zip = listing.is_zip;
    ways.first = listing.first;
    ways.end = listing.end;
    if (!listing.is_zip && !what.sure) return ways;
    std::uint64_t counted = 0;
    for (const zip_name& one : listing.names) {
        if (shared.out_of_time(around.where)) break;
        if (counted++ < listing.entries && !shared.one_more_entry(around.where)) break;
        judge(shared, around.where, one);
    }
    for (const zip_found& odd : listing.odd) {
        if (!embedded || counts_when_embedded(odd.what)) tell(shared, around.where, odd);
        ways.by_headers = ways.by_headers || odd.what != zip_oddity::too_many;
        if (odd.what == zip_oddity::no_directory) ways.by_directory = false;
    }
    if (around.octets.starts_with("PK\7\10"))
        shared.add(finding_kind::unreadable, around.where, text_of(zip_oddity::several_volumes));
    return ways;
}

} // namespace postern::policy::content

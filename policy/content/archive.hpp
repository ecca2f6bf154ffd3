// Archives by libarchive: every name is judged, every entry that can be unpacked is looked at as a piece of
// its own. Nothing is written under a name from an archive.
#pragma once

#include "policy/content/magic.hpp"
#include "policy/content/piece.hpp"

namespace postern::policy::content {

// `what` stands in the octets of `around`. Findings: extension, encrypted_name, encrypted, limit, unreadable,
// malformed, and those of the entries.
void look_at_archive(look& shared, const piece& around, const recognised& what);

// What zip_directory.hpp tells of a ZIP: its names are judged, its oddities found. Where the entries are to
// be read from, and whether by the local headers too.
struct zip_ways {
    bool by_directory = true, by_headers = false;
    std::size_t first = 0, end = 0; // the first local header; behind the directory's end
    bool is_zip = false;
};
zip_ways look_at_zip_directory(look& shared, const piece& around, const recognised& what);

// The name that a compressed file has inside: without ".gz" and the like; ".tgz" becomes ".tar".
std::string name_within(std::string_view name);
// The one that a gzip header has (RFC 1952 §2.3.1); may be empty.
std::string_view gzip_name(std::string_view octets);

} // namespace postern::policy::content

// A ZIP of any octets is read within its limits: every name lies in the octets, and no more entries are told
// than were asked for.
#include "policy/content/zip_directory.hpp"

#include "tests/fuzz/split.hpp"

#include <algorithm>

using namespace postern::policy::content;
using namespace postern::fuzz;

namespace {

bool lies_in(std::string_view whole, std::string_view part) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check(std::string_view input, const zip_listing& listing, std::size_t most) {
    require(listing.entries <= most);
    require(listing.names.size() <= 3 * listing.entries);
    require(listing.first <= input.size() && listing.end <= input.size());
    require(listing.odd.size() <= zip_oddity_count);
    for (const zip_name& one : listing.names) require(lies_in(input, one.name));
    for (const zip_found& one : listing.odd) {
        require(lies_in(input, one.name));
        require(!text_of(one.what).empty());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t most = 1000, fewer = 3;
    const std::string_view input = as_text(data, size);
    const auto listing = read_zip(input, most);
    check(input, listing, most);
    check(input, read_zip(input, fewer), fewer);
    require(listing.is_zip || listing.names.empty());
    return 0;
}

// The files in an Outlook container, "winmail.dat" (MS-OXTNEF): their names and octets. Pure; any octets give
// files or none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content {

struct tnef_file {
    std::vector<std::string> names; // each that it has, UTF-8 or any octets
    std::string_view octets;        // within those that were read
};
struct tnef_listing {
    std::vector<tnef_file> files;
    bool whole = true; // else it ends within an attribute, or has more files than asked for
};

// `octets` begin with the signature 78 9f 3e 22. Linear.
tnef_listing read_tnef(std::string_view octets, std::size_t most);

} // namespace postern::policy::content

// What a file name from a message would be on somebody's disk or screen. Clients clean names in different
// ways, so there may be several answers, and a check of extensions takes the worst.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::protocol::mime {

// The names that clients could make of `raw`, each once, at most sixteen. In each: compatibility characters
// folded (NFKC: full-width letters and dots, ligatures), control characters, bidi marks and characters of no
// width removed or the name ended there, folders before "/" and "\" cut, as is what Windows takes for a
// stream behind ":", and blanks, dots and quotes at the ends trimmed. Upper case stays. Never throws on any
// octets; linear in the name, which limits.name_octets bounds.
std::vector<std::string> normalised_names(std::string_view raw);

} // namespace postern::protocol::mime

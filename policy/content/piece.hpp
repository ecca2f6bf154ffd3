// One file of the message, from a part or from an archive, and what is done with each: looked at as an
// archive, as a message, and for viruses.
#pragma once

#include "policy/content/look.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::content {

struct piece {
    std::string_view octets;
    path where;
    std::vector<std::string> names; // that it may be saved under, any octets
    unsigned archives = 0;          // around it
    unsigned messages = 0;          // opened around it, but for those within one MIME walk
    bool may_be_message = true;     // false for text, and for what the walk followed as a message already
    bool of_walk = false;           // a part of a MIME walk, which has followed an Outlook container itself
};

// Looks at all of it: piece.cpp.
void look_at(look& shared, const piece& one);

// Walks a message within the piece: message.cpp. Its parts are looked at by look_at.
void look_at_message(look& shared, const piece& one);
// The same of an Outlook container ("winmail.dat") that came out of an archive.
void look_at_tnef(look& shared, const piece& one);
// The whole message, in the one pass over it: `facts` is told of its parts too, unless it is null, and only
// of the first facts_octets_max octets.
class fact_collector;
void look_at_whole(look& shared, std::string_view message, fact_collector* facts);

} // namespace postern::policy::content

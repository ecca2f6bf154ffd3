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
};

// Looks at all of it: piece.cpp.
void look_at(look& shared, const piece& one);

// Walks a message within the piece, or the whole one: message.cpp. Its parts are looked at by look_at.
void look_at_message(look& shared, const piece& one);

} // namespace postern::policy::content

// Which oddities of a message's structure are findings.
#pragma once

#include "protocol/mime/visitor.hpp"

namespace postern::policy::content {

enum class consequence : unsigned char {
    none,       // ordinary mail has it, and every reading of it was followed
    malformed,  // mail clients would see different parts or octets, or what completes it is elsewhere
    limit,      // not all of it was followed
    unreadable, // a container that can't be read to its end
};

consequence consequence_of(protocol::mime::finding what);

} // namespace postern::policy::content

// Where checks say that an account used an address that isn't its own.
#pragma once

#include <string>

namespace postern::policy {

enum class foreign_fate { reported, learned, refused };

class foreign_senders {
  public:
    virtual ~foreign_senders() = default;
    // Both folded. Must not block; may forget it when there is too much: the next use says it again.
    virtual void note(std::string account, std::string address, foreign_fate what) = 0;
};

} // namespace postern::policy

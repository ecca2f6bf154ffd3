// Walks the octets of a message (RFC 5322, RFC 2045 to 2047, RFC 2231) and tells a visitor of every part,
// name and decoding that any mail client might make of them. It never decides what is right: where clients
// differ it follows each of them. It fails on nothing; what it can't follow is a finding.
#pragma once

#include "protocol/mime/visitor.hpp"

#include <memory>

namespace postern::protocol::mime {

// Memory: a constant, and for each open part at most limits.header_octets; time: linear in the input. The
// same octets give the same parts, names, octets and findings however they are cut; only the numbers of parts
// that are open at the same time may differ, and where a walk ends that reaches a limit.
class walker {
  public:
    // `told` is borrowed and outlives the walker.
    explicit walker(visitor& told, const limits& bounds = {});
    ~walker();
    walker(const walker&) = delete;
    walker& operator=(const walker&) = delete;

    void feed(std::string_view octets);
    // No more octets come: ends every open part. Call it once; nothing is fed after it.
    void finish();
    // Nothing more will be told of what comes: too_many_parts or too_much_work was found.
    bool given_up() const;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace postern::protocol::mime

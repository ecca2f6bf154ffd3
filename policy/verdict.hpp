// What a check thinks of a message: pass, or a reply for the peer and a cause for the log, apart. A look-up
// that failed is a deferral, never a rejection and never "absent".
#pragma once

#include "protocol/smtp/reply.hpp"

#include <chrono>
#include <vector>

namespace postern::policy {

struct verdict {
    enum class kind : std::uint8_t { pass, reject, defer };
    kind what = kind::pass;
    protocol::reply with; // for the peer, when not pass
    std::string cause; // for the log: may name what a peer should not see; of a pass: why, where it is news
    std::string_view check; // the check that said it; filled by the engine

    bool is_news = false; // of a pass: the cause belongs into the log

    static verdict pass(std::string cause = {}) { return {kind::pass, {}, std::move(cause), {}, false}; }
    // Something that could not be judged was let through, as the operator chose.
    static verdict let_through(std::string cause) { return {kind::pass, {}, std::move(cause), {}, true}; }
    // reject for 5yz, defer for 4yz: the reply decides.
    static verdict refuse(protocol::reply with, std::string cause = {}) {
        const auto what = with.temporary() ? kind::defer : kind::reject;
        return {what, std::move(with), std::move(cause), {}, false};
    }
    bool passed() const { return what == kind::pass; }
};

// What became of each check of a stage, in the order of the verdicts.
struct judgement {
    enum class use : std::uint8_t {
        counted,  // passed, or refused and nothing after it was asked
        reported, // would have refused (mode report, or enforce_from is to come)
        skipped,  // `verdict.cause` says why
    };
    verdict said;
    use as = use::counted;
    std::size_t row = 0;            // in the registry
    std::vector<std::size_t> about; // at content: whom alone it would have concerned; empty = all
    std::chrono::microseconds took{0};
};
using trace = std::vector<judgement>;

} // namespace postern::policy

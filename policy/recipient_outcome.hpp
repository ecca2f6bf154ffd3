// What a message comes to for each of its recipients: the tests of the content may say it of each apart, and
// they may differ.
#pragma once

#include "policy/verdict.hpp"

namespace postern::policy {

struct recipient_outcome {
    enum class kind : std::uint8_t {
        deliver,
        junk,   // delivered into the Junk folder
        refuse, // with the reply
    };
    kind what = kind::deliver;
    protocol::reply with;   // of refuse, for the peer
    std::string cause;      // for the log
    std::string_view check; // the check that said it; filled by the engine

    static recipient_outcome junk(std::string cause = {}) { return {kind::junk, {}, std::move(cause), {}}; }
    static recipient_outcome refuse(protocol::reply with, std::string cause = {}) {
        return {kind::refuse, std::move(with), std::move(cause), {}};
    }
    // The worse of the two; of equals the one that is here.
    void add(recipient_outcome other) {
        if (other.what > what) *this = std::move(other);
    }
};
using recipient_outcomes = std::vector<recipient_outcome>; // in step with the envelope's recipients

enum class hears : std::uint8_t {
    one_answer,      // the client, about all recipients
    each_recipients, // PRDR, and several recipients
};

// What the client is told, and what becomes of the outcomes. Refused as a whole: nothing is kept. Passed:
// they say of each recipient what becomes of it. Where the client hears one answer, none of them is a refusal
// any more: who would have refused what others take has it in Junk. A refusal for now is nobody's judgement
// of the message: there it puts the whole message off.
verdict settle(recipient_outcomes& outcomes, hears how);

} // namespace postern::policy

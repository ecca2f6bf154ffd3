// A refusal counts as the recipient's only when it is one: a primary that refuses us for our address or our
// manner must not make all its recipients unknown.
#include "server/call_out_words.hpp"

namespace postern::server {
namespace {

using kind = policy::call_out_answer::kind;
using protocol::recipient_outcome;

kind refusal_of(const recipient_outcome& of) {
    const auto& status = of.status;
    if (status == protocol::enhanced_code{5, 6, 7}) return kind::no_utf8;
    if (!of.of_recipient) return kind::later;
    // RFC 3463 §3.2: 5.1.x is about addresses, of these 5.1.7 and 5.1.8 about the sender's, which many
    // servers refuse at RCPT only; 5.4.1 is what Exchange says of unknown ones.
    if (status.category == 5 && status.subject == 1)
        return status.detail == 7 || status.detail == 8 ? kind::later : kind::unknown;
    if (status == protocol::enhanced_code{5, 4, 1}) return kind::unknown;
    if (status == protocol::enhanced_code{5, 2, 1}) return kind::unknown; // switched off
    if (status == protocol::enhanced_code{5, 2, 2}) return kind::full;
    if (status.category != 0) return kind::later;
    // RFC 5321 §4.2.2, from a server without enhanced codes.
    const auto code = of.text.substr(0, 3);
    if (code == "552") return kind::full;
    return code == "550" || code == "551" || code == "553" ? kind::unknown : kind::later;
}

} // namespace

policy::call_out_answer understand(const recipient_outcome& of) {
    policy::call_out_answer made{kind::later, of.text};
    if (of.what == recipient_outcome::kind::taken) made.what = kind::taken;
    if (of.what == recipient_outcome::kind::failed) made.what = refusal_of(of);
    return made;
}

} // namespace postern::server

// Who of a message's recipients wants what of test 8.
#pragma once

#include "conf/config.hpp"
#include "protocol/result.hpp"
#include "protocol/scan/order.hpp"

#include <string>
#include <vector>

namespace postern::policy {

struct context;

struct spam_readers {
    struct recipient {            // in step with the envelope's
        bool wants_score = false; // all its mailboxes have antispam on, and no rule allows the sender
        std::vector<std::string> mailboxes;       // that it leads to, where it wants a score
        std::vector<std::size_t> subject_phrases; // places in `phrases`, counted behind the configuration's
    };
    std::vector<recipient> recipients;
    std::vector<protocol::scan::phrase> phrases; // subjects that mailboxes refuse, each once

    bool wants_score() const;
    bool wants_anything() const { return wants_score() || !phrases.empty(); }
    // From the scanner: what the embedded scorer weighs, and subjects.
    bool wants_facts(const conf::config& config) const;
};

// At content. The error is that of the table of mailboxes.
result<spam_readers> find_spam_readers(const context& about);

} // namespace postern::policy

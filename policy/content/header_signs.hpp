// What the header of a message shows: who says to have written it, its subject, and the signs of junk in it.
#pragma once

#include "policy/content/mail_header.hpp"
#include "policy/spam/signs.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace postern::policy::content {

struct header_facts {
    std::string subject;              // decoded, UTF-8, as written
    std::vector<mail_author> authors; // of From
    std::string mailer;               // X-Mailer or User-Agent
    std::vector<spam::sign> signs;    // each once
};

// `now`: seconds since 1970; 0 = not known: then Date is held against the newest Received field, which the
// last server before us wrote.
header_facts read_header_facts(const std::vector<mail_field>& fields, std::int64_t now);

} // namespace postern::policy::content

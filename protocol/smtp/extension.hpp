// The ESMTP extensions we serve, a row each: what EHLO says, when, and which MAIL and RCPT parameters it brings.
// Adding one is a row here and a field in the envelope.
#pragma once

#include "protocol/smtp/command.hpp"
#include "protocol/smtp/envelope.hpp"

#include <span>

namespace postern::protocol {

// What decides whether a row is offered and what it says.
struct extension_context {
    std::uint64_t max_message_size = 0; // octets
    std::size_t max_recipients = 0;     // per message
    bool tls_available = false;         // STARTTLS can be offered: a certificate exists and TLS is not on yet
};

struct extension {
    std::string_view keyword;
    bool (*offered)(const extension_context&);
    // Appends the EHLO parameters including the leading space; null when there are none.
    void (*describe)(const extension_context&, std::string& out);
};
std::span<const extension> extensions();

// The parameters' rows: applied to the envelope, or to the recipient, in the order written.
// unknown_parameter -> 555; bad_parameter, duplicate -> 501. Checks across parameters (BINARYMIME needs BDAT, SMTPUTF8 and the
// address, SIZE against the limit) are the session's.
result<void, parse_error> apply_mail_parameters(std::span<const parameter> parameters, envelope& target);
result<void, parse_error> apply_rcpt_parameters(std::span<const parameter> parameters, recipient& target);

} // namespace postern::protocol

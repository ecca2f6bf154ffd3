// The ESMTP extensions we serve, a row each: what EHLO says, when, and which MAIL and RCPT parameters it
// brings. Adding one is a row here and a field in the envelope.
#pragma once

#include "protocol/smtp/command.hpp"
#include "protocol/smtp/envelope.hpp"

#include <span>

namespace postern::protocol {

// What decides whether a row is offered and what it says.
struct extension_context {
    std::uint64_t max_message_size = 0; // octets
    std::size_t max_recipients = 0;     // per message; 0: LIMITS is not offered
    bool tls_available = false;         // STARTTLS can be offered: a certificate exists and TLS is not on yet
    std::string_view auth_mechanisms;   // "PLAIN LOGIN"; empty: AUTH is not offered
    bool takes_utf8 = true;             // the place of delivery takes addresses and headers beyond ASCII
    bool takes_binary = true;           // it takes any octets, in lines or not
    bool answers_each = false;          // recipients may be answered one by one after the data: PRDR
};

// A parameter of MAIL or RCPT; `apply` stores its value and says whether the value was a right one. A
// parameter whose extension is not offered is applied all the same.
using parameter_value = std::optional<std::string_view>;
template <class Target> struct parameter_row {
    std::string_view keyword;
    bool (*apply)(parameter_value value, Target& target);
};
using mail_parameter = parameter_row<envelope>;
using rcpt_parameter = parameter_row<recipient>;

struct extension {
    std::string_view keyword;
    bool (*offered)(const extension_context&);
    // Appends the EHLO parameters including the leading space; null when there are none.
    void (*describe)(const extension_context&, std::string& out);
    std::span<const mail_parameter> mail;
    std::span<const rcpt_parameter> rcpt;
};
std::span<const extension> extensions();

// The parameters' rows: applied to the envelope, or to the recipient, in the order written. The error's
// offset is the ordinal of the parameter. After an error the target is to be thrown away. unknown_parameter
// -> 555; bad_parameter, duplicate -> 501. Checks across parameters (BINARYMIME needs BDAT, SMTPUTF8 and the
// address, SIZE against the limit) are the session's.
result<void, parse_error> apply_mail_parameters(std::span<const parameter> parameters, envelope& target);
result<void, parse_error> apply_rcpt_parameters(std::span<const parameter> parameters, recipient& target);

} // namespace postern::protocol

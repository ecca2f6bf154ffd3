// What a primary's words about a recipient mean. Pure.
#pragma once

#include "policy/call_out.hpp"
#include "protocol/smtp/client_session.hpp"

namespace postern::server {

// `of` is the outcome of a question (protocol::message_purpose).
policy::call_out_answer understand(const protocol::recipient_outcome& of);

} // namespace postern::server

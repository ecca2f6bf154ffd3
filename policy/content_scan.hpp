// One scan of a message for all tests that want one: the first that asks has it made.
#pragma once

#include "policy/context.hpp"

namespace postern::policy {

// At content, looked up once for a transaction.
const result<spam_readers>& readers_of(context& about);

// What the tests of this transaction want to know.
protocol::scan::order order_for(context& about);

// At stage content. The outcome is kept in the transaction, which outlives the answer.
boost::asio::awaitable<const scan_outcome*> scanned(context& about);

// "invoice.zip/run.exe", or for the message as a whole "The message".
std::string place_of(const protocol::scan::finding& what);
// Of that kind the first; nullptr = none.
const protocol::scan::finding* first_of(protocol::scan::finding_kind kind, const protocol::scan::report& in);

} // namespace postern::policy

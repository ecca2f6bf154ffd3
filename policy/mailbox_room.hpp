// Is there room in a mailbox? Answered where the mail lies, a Maildir or an LMTP server's; asked by the
// recipient check.
#pragma once

#include "protocol/result.hpp"
#include "storage/resolve.hpp"

#include <boost/asio/awaitable.hpp>

namespace postern::policy {

class mailbox_room {
  public:
    virtual ~mailbox_room() = default;
    // Bounded in time; an error means "try later". `box` is local.
    virtual boost::asio::awaitable<result<bool>> has_room(storage::final_recipient box,
                                                          std::uint64_t octets) = 0;
};

} // namespace postern::policy

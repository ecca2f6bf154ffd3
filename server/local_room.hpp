// Room in a local mailbox, wherever local mail goes now: a Maildir is measured, an LMTP server is asked. One
// thread's.
#pragma once

#include "policy/mailbox_room.hpp"
#include "server/lmtp_room.hpp"
#include "server/snapshot.hpp"

namespace postern::server {

class local_room final : public policy::mailbox_room {
  public:
    // Both outlive this; `maildirs` is any thread's.
    local_room(live_snapshot& config, policy::mailbox_room& maildirs)
        : config_(config), maildirs_(maildirs) {}
    boost::asio::awaitable<result<bool>> has_room(storage::final_recipient box,
                                                  std::uint64_t octets) override;

  private:
    live_snapshot& config_;
    policy::mailbox_room& maildirs_;
    lmtp_room servers_;
};

} // namespace postern::server

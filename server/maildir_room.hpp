// Room in a Maildir, asked on the pool: a file system that hangs costs its asker a deferral, nobody else
// anything.
#pragma once

#include "policy/mailbox_room.hpp"
#include "server/offload_pool.hpp"
#include "server/snapshot.hpp"
#include "storage/file_env.hpp"

namespace postern::server {

class maildir_room final : public policy::mailbox_room {
  public:
    static constexpr std::chrono::seconds deadline{10};

    maildir_room(live_snapshot& config, offload_pool& pool, storage::file_env& files)
        : config_(config), pool_(pool), files_(files) {}
    boost::asio::awaitable<result<bool>> has_room(storage::final_recipient box,
                                                  std::uint64_t octets) override;

  private:
    live_snapshot& config_;
    offload_pool& pool_;
    storage::file_env& files_;
};

} // namespace postern::server

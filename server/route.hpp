// Where a recipient's mail goes, by the configuration in force.
#pragma once

#include "server/delivery/mail_client.hpp"
#include "storage/queue.hpp"

#include <optional>

namespace postern::server {

// The server that takes it; nullopt: a Maildir (local), or nobody that this version can send to (outside).
std::optional<mail_peer> peer_for(const conf::config& config, const storage::queued_recipient& to);

// The server of relay.route for a recipient that is outside; nullptr = none.
const conf::endpoint* primary_for(const conf::config& config, const storage::queued_recipient& to);

} // namespace postern::server
